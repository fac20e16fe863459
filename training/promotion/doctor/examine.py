"""Runs every check, mends what has a safe cure, and looks again: what is left is what is said."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import Busy, OnrampError
from lifecycle.home import Home
from lifecycle.ledger import Entry, Ledger
from lifecycle.lock import held
from lifecycle.registry import Registry
from training.promotion.doctor.aliases import check_aliases, check_ledger, check_move
from training.promotion.doctor.files import check_files
from training.promotion.doctor.finding import Ailment, DoctorReport, Finding
from training.promotion.doctor.platform import (
    check_chain,
    check_jobs,
    check_leftovers,
    check_mlflow,
)
from training.promotion.doctor.waiting import check_tags, check_waiting
from training.promotion.move import doing, lock

OfTask = Callable[[Home, Registry, str], Iterable[Ailment]]
OfHome = Callable[[Home], Iterable[Ailment]]

OF_THE_HOME: Mapping[str, OfHome] = {
    "ledger chain": check_chain,
    "jobs": check_jobs,
    "unfinished files": check_leftovers,
}
# under the task's lock, so that what is half done is nobody's work at this moment
OF_ALIASES: Mapping[str, OfTask] = {
    "moves": check_move,
    "aliases": check_aliases,
    "ledger and registry": check_ledger,
    "waiting versions": check_waiting,
    "approval tags": check_tags,
}
OF_FILES: Mapping[str, OfTask] = {"files": check_files}
Checks = Mapping[str, Callable[[], Iterable[Ailment]]]

PATIENCE_SECONDS = 5.0
FAILURES = (OnrampError, MlflowException, SQLAlchemyError, sqlite3.Error, OSError, ValueError)
MEND = "mend"  # the ledger's word for it


def doctor(home: Home, tasks: Sequence[str], *, mend: bool, actor: str) -> DoctorReport:
    """Examine the home's stores and these tasks' versions.

    Args:
        home: whose stores.
        tasks: names; one that was never trained has nothing that could be wrong.
        mend: whether to do what each finding says under `mend`; every mend is a row of the ledger.
        actor: who is recorded.

    Raises:
        Busy: a change of champion, or another process with a database, takes longer than a few
            seconds.
    """
    mended: list[Finding] = []

    def look(checks: Checks) -> list[Finding]:
        return settled(home, checks, mended, mend=mend, actor=actor)

    broken = look({"MLflow's database": lambda: check_mlflow(home)})
    left = [*broken, *look({name: of_home(check, home) for name, check in OF_THE_HOME.items()})]
    if broken:
        return DoctorReport(mended=tuple(mended), left=tuple(left), tasks=(), versions=0)
    registry = Registry(home)
    for task in tasks:
        left += look({n: of_task(c, home, registry, task) for n, c in OF_FILES.items()})
        with held(lock(home, task), doing(task), patience_seconds=PATIENCE_SECONDS):
            left += look({n: of_task(c, home, registry, task) for n, c in OF_ALIASES.items()})
    return DoctorReport(
        mended=tuple(mended),
        left=tuple(left),
        tasks=tuple(tasks),
        versions=counted(registry, tasks),
    )


def counted(registry: Registry, tasks: Sequence[str]) -> int:
    """How many versions there are; 0 where the registry cannot say, which is a finding already."""
    try:
        return sum(len(registry.versions(task)) for task in tasks)
    except FAILURES:
        return 0


def of_home(check: OfHome, home: Home) -> Callable[[], Iterable[Ailment]]:
    return lambda: check(home)


def of_task(
    check: OfTask, home: Home, registry: Registry, task: str
) -> Callable[[], Iterable[Ailment]]:
    return lambda: check(home, registry, task)


def settled(
    home: Home, checks: Checks, mended: list[Finding], *, mend: bool, actor: str
) -> list[Finding]:
    """Check; cure what can be cured, and check again. What was cured goes to `mended`."""
    found = [ailment for name, check in checks.items() for ailment in made(name, check)]
    curable = [ailment for ailment in found if ailment.cure is not None]
    if not mend or not curable:
        return [ailment.finding for ailment in found]
    for ailment in curable:
        cure(ailment)
    left = [ailment.finding for name, check in checks.items() for ailment in made(name, check)]
    same = {finding.key for finding in left}
    for finding in (ailment.finding for ailment in curable if ailment.finding.key not in same):
        Ledger(home).append(row(finding, actor))
        mended.append(finding)
    return left


def made(name: str, check: Callable[[], Iterable[Ailment]]) -> Iterator[Ailment]:
    """What the check finds; that it cannot be made is a finding, never a pass."""
    try:
        yield from check()
    except Busy:
        raise
    except FAILURES as error:
        yield Ailment(
            finding=Finding(
                check=name,
                what=f"The check of {name} could not be made.",
                found=f"{type(error).__name__}: {error}",
                do="Mend what it says first, or restore the store from a backup.",
            )
        )


def cure(ailment: Ailment) -> None:
    """Try; whether it helped is seen by looking again."""
    try:
        if ailment.cure is not None:
            ailment.cure()
    except Busy:
        raise
    except FAILURES:
        return


def row(finding: Finding, actor: str) -> Entry:
    """The mend as the ledger keeps it."""
    return Entry(
        actor=actor,
        task=finding.task,
        decision=MEND,
        why=f"{finding.what} {finding.found} Done: {finding.mend}.",
        version=str(finding.version) if finding.version is not None else None,
        evidence={"check": finding.check},
    )
