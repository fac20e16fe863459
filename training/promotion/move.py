"""Moves the champion: every promotion, approval and rollback comes through here.

In this order, so that a process may be killed anywhere: the move is written down, `previous`
moves, `champion` moves, the challenger's alias goes, what is to be told is written down, and one
transaction writes the ledger row and closes the move. The alias `champion` decides: a move that is
found with it moved is finished, one that is found without is undone, and no clock is asked. MLflow
has no compare-and-set of aliases: one process at a time may change a task's champion. Whoever
listens is told when that is over (`deliver`): a receiver that hangs holds up nobody's rollback.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from mlflow.exceptions import MlflowException

from lifecycle.errors import Busy
from lifecycle.gate import Finding
from lifecycle.home import Home
from lifecycle.ledger import Entry
from lifecycle.lock import held
from lifecycle.moves import Move, Moves
from lifecycle.registry import Alias, Registry, Version
from lifecycle.webhook import deliver, write_down
from training.promotion.awaiting import APPROVE, retag

PATIENCE_SECONDS = 60.0  # a promotion takes some ten
LOCKED = ("database is locked", "database table is locked")


class Aliases(Protocol):
    """What a move needs of the registry."""

    def aliases(self, task: str) -> Mapping[str, int]: ...

    def versions(self, task: str) -> Sequence[Version]: ...

    def point(self, alias: Alias, version: Version) -> None: ...

    def drop(self, alias: Alias, task: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A decision about a version, as its ledger row tells it.

    Attributes:
        findings: of the gate; none where the evidence brings its own.
    """

    decision: str
    actor: str
    why: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Finding] = ()

    def entry(self, version: Version, champion: int | None) -> Entry:
        """The row, once the version and the champion of the moment are known."""
        return Entry(
            actor=self.actor,
            task=version.task,
            decision=self.decision,
            why=self.why,
            version=str(version.number),
            previous=str(champion) if champion else None,
            evidence={"findings": [asdict(finding) for finding in self.findings], **self.evidence},
        )


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A change of champion that is done.

    Attributes:
        row: of the ledger.
        previous: who was champion before.
        seconds: from the first alias to the last.
        problem: what kept the webhook from being written down; empty when nothing did.
    """

    row: int
    version: int
    previous: int | None
    seconds: float
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What became of a move that a killed process had left."""

    outcome: Literal["finished", "undone"]
    task: str
    decision: str
    version: int

    @property
    def words(self) -> str:
        """What a person reads."""
        return (
            f"An interrupted change of the champion of {self.task} to version {self.version} "
            f"({self.decision}) was {self.outcome}."
        )


def move(home: Home, to: Version, decided: Decided) -> Moved:
    """Make the version champion, and the champion `previous`; under the task's lock (`alone`).

    Raises:
        Busy: the registry's or the platform's database is locked; whatever had moved is put back,
            now or by the next command.
    """
    registry, task = Registry(home), to.task
    before = registry.aliases(task)
    champion = before.get("champion")
    begun = Moves(home).begin(
        Move(
            task=task,
            champion=champion,
            previous=before.get("previous"),
            challenger=before.get("challenger"),
            version=to.number,
            entry=decided.entry(to, champion),
        )
    )
    return carry_out(home, registry, begun)


def carry_out(home: Home, registry: Aliases, begun: Move) -> Moved:
    """Move the aliases and close the move; a failure puts back what it can at once."""
    there = numbers(registry, begun.task)
    started = time.perf_counter()
    try:
        point(registry, begun, there)
    except Exception:
        settled = settle_alone(home, registry, begun.task)
        if settled is None or settled.outcome == "undone":
            raise
    seconds = time.perf_counter() - started
    problem = announce(home, begun, previous_of(begun, there))
    return Moved(
        row=Moves(home).done(begun), version=begun.version, previous=begun.champion,
        seconds=seconds, problem=problem,
    )  # fmt: skip


def point(registry: Aliases, begun: Move, there: frozenset[int]) -> None:
    """`previous`, then `champion`, then no longer a challenger."""
    previous = previous_of(begun, there)
    if previous is None and begun.previous is not None:
        registry.drop("previous", begun.task)
    elif previous is not None and previous != begun.previous:
        registry.point("previous", named(begun.task, previous))
    registry.point("champion", named(begun.task, begun.version))
    drop_challenger(registry, begun)


def previous_of(begun: Move, there: frozenset[int]) -> int | None:
    """Who is `previous` once the move is done: the champion so far, if it is there.

    Where it is lost, whoever is `previous` stays so, unless it is to be champion itself.
    """
    if begun.champion in there:
        return begun.champion
    return begun.previous if begun.previous in there - {begun.version} else None


def announce(home: Home, begun: Move, previous: int | None) -> str:
    """Write down which aliases moved, for whoever listens; returns what kept it from being written.

    Before the move is closed: after a kill it is written by whoever settles, and nothing twice.
    """
    problems = [
        write_down(home, begun.task, alias, number)
        for moved, alias, number in (
            (previous != begun.previous, "previous", previous),
            (True, "champion", begun.version),
            (begun.challenger == begun.version, "challenger", None),
        )
        if moved
    ]
    return next((problem for problem in problems if problem), "")


def settle(home: Home, registry: Aliases, task: str) -> Settled | None:
    """Finish or undo what a killed process left of a change of champion.

    Returns:
        What became of it; None when nothing was left, or when a living process is at it.
    """
    if Moves(home).open(task) is None:
        return None
    try:
        with held(lock(home, task), doing(task)), unlocked():
            settled = settle_alone(home, registry, task)
    except Busy:
        return None
    deliver(home)
    return settled


def settle_alone(home: Home, registry: Aliases, task: str) -> Settled | None:
    """As `settle`, under the task's lock."""
    moves = Moves(home)
    begun = moves.open(task)
    if begun is None:
        return None
    now = registry.aliases(task)
    done = now.get("champion") == begun.version
    if done:
        drop_challenger(registry, begun)
        announce(home, begun, now.get("previous"))
        moves.done(begun)
        if begun.entry.decision == APPROVE:
            retag(home, task, begun.version)
    else:
        put_back(registry, begun)
        moves.undone(begun)
    return Settled(
        outcome="finished" if done else "undone",
        task=task, decision=begun.entry.decision, version=begun.version,
    )  # fmt: skip


def put_back(registry: Aliases, begun: Move) -> None:
    """Let `previous` name whom it named, unless somebody else moved an alias since."""
    now, there = registry.aliases(begun.task), numbers(registry, begun.task)
    previous = now.get("previous")
    moved = now.get("champion") == begun.champion and previous == previous_of(begun, there)
    if not moved or previous == begun.previous:
        return
    if begun.previous in there:
        registry.point("previous", named(begun.task, begun.previous))
    else:
        registry.drop("previous", begun.task)


def drop_challenger(registry: Aliases, begun: Move) -> None:
    """A champion is no longer a challenger."""
    if registry.aliases(begun.task).get("challenger") == begun.version:
        registry.drop("challenger", begun.task)


def numbers(registry: Aliases, task: str) -> frozenset[int]:
    """Of the versions that are there."""
    return frozenset(version.number for version in registry.versions(task))


def named(task: str, number: int) -> Version:
    """A version as an alias needs it."""
    return Version(task=task, number=number, run_id="")


@contextmanager
def alone(home: Home, task: str) -> Iterator[Settled | None]:
    """Hold the task's lock, with what a killed process left settled first.

    Raises:
        Busy: another change of the task's champion takes longer than a minute, or a database is
            locked.
    """
    with held(lock(home, task), doing(task), patience_seconds=PATIENCE_SECONDS), unlocked():
        yield settle_alone(home, Registry(home), task)


@contextmanager
def unlocked() -> Iterator[None]:
    """Say that MLflow's database is locked as we say it of ours.

    Raises:
        Busy: it is.
    """
    try:
        yield
    except MlflowException as error:
        if not any(words in str(error) for words in LOCKED):
            raise
        raise Busy(
            "MLflow's database is locked.",
            found="Another process keeps it.",
            do="Try again when it has ended; nothing is half done.",
        ) from error


def lock(home: Home, task: str) -> Path:
    return home.locks / f"promote-{task}.held"


def doing(task: str) -> str:
    return f"A change of the champion of {task}"
