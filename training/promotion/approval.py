"""A person's word on a version that the gate would promote: approved, or rejected because …"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lifecycle import repeats
from lifecycle.errors import NotReady
from lifecycle.gate import Finding
from lifecycle.home import Home
from lifecycle.ledger import Entry
from lifecycle.registry import Registry, Version
from lifecycle.task import Task
from training.promotion.awaiting import TAG, awaiting, record, stands
from training.promotion.judged import Today, judged
from training.promotion.move import Decided, alone, move
from training.promotion.promote import already, carded, conclude, today_of
from training.promotion.report import PromotionReport
from training.promotion.standing import standing

APPROVE, REJECT = "approve", "reject"


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """A version that no longer waits; the champion stays."""

    task: str
    version: int
    champion: int | None
    because: str
    row: int

    def lines(self) -> list[str]:
        """What a person reads."""
        stays = f"version {self.champion} stays" if self.champion else "nobody serves"
        return [f"{self.task} version {self.version}: rejected, {stays}. {self.because}"]


def approve(
    home: Home, task: Task, *, version: int | None = None, actor: str, because: str = ""
) -> PromotionReport:
    """Make a version that awaits approval the champion.

    If another version has become champion since it was judged, it is judged again, against that
    one, and moves only if the gate still says so.

    Args:
        home: where everything lives.
        task: as the home's data set asks it.
        version: its number; None: the newest that waits.
        actor: who approves.
        because: why, if they say.

    Raises:
        NotReady: nothing waits, or not this version.
        DataError: it no longer loads, or does not repeat its recorded predictions.
        Busy: another change of the task's champion takes longer than a minute.
    """
    said = Decided(decision=APPROVE, actor=actor, why=because)
    report = approve_by(home, task, today_of(home, task, None), version=version, said=said)
    return carded(home, task, report)


def approve_by(
    home: Home, task: Task, today: Today, *, version: int | None, said: Decided
) -> PromotionReport:
    """As `approve`, judged again, if it must be, on what `today` gives."""
    with alone(home, task.name) as left:
        registry = Registry(home)
        against = standing(home, registry, task.name)
        if against.champion is not None and against.number == version:
            return already(home, against.champion)
        row = waiting_row(awaiting(home, task.name), task.name, version)
        chosen = registry.version(task.name, int(row.version or 0))
        if stands(row, against):
            report = by_word(home, registry, chosen, row, said)
        else:
            # an approved version waits for nobody once more
            asked = replace(task, approval="automatic")
            found = judged(registry, asked, today, (chosen, against), said.actor)
            report = conclude(home, asked, found, said.actor)
        if report.changed:
            registry.tag(chosen, {TAG: f"approved by {said.actor}, ledger row {report.row}"})
    return report.noted(left.words if left else "", *report.notes)


def by_word(
    home: Home, registry: Registry, version: Version, row: Entry, said: Decided
) -> PromotionReport:
    """Move to a version whose verdict still stands, if it can be served."""
    repeats.load(registry, version)
    evidence = {"asked_in_row": row.number, **row.evidence}
    moved = move(home, version, replace(said, why=said.why or "approved", evidence=evidence))
    words = (
        f"{said.actor} approved the verdict of ledger row {row.number}"
        f"{f': {said.why}' if said.why else ''}."
    )
    finding = Finding(rule="approved", outcome="passed", words=words)
    return PromotionReport.unjudged(
        version, finding, previous=moved.previous, changed=True, row=moved.row
    ).noted(moved.problem)


def reject(
    home: Home, task: str, *, version: int | None = None, actor: str, because: str
) -> Rejection:
    """Let a version wait no longer; the champion stays.

    Raises:
        NotReady: nothing waits, or not this version.
        Busy: another change of the task's champion takes longer than a minute.
    """
    with alone(home, task):
        registry = Registry(home)
        champion = registry.aliases(task).get("champion")
        row = waiting_row(awaiting(home, task), task, version)
        chosen = registry.version(task, int(row.version or 0))
        said = Decided(
            decision=REJECT, actor=actor, why=because, evidence={"asked_in_row": row.number}
        )
        number = record(home, said.entry(chosen, champion), "refused")
        registry.tag(chosen, {TAG: f"rejected by {actor}: {because}"})
    return Rejection(
        task=task, version=chosen.number, champion=champion, because=because, row=number
    )


def waiting_row(waits: Mapping[int, Entry], task: str, version: int | None) -> Entry:
    """The row of the version, or of the newest that waits.

    Raises:
        NotReady: there is none.
    """
    if version is None and waits:
        return next(iter(waits.values()))
    if version is not None and version in waits:
        return waits[version]
    others = ", ".join(map(str, waits))
    raise NotReady(
        f"No version of {task} awaits approval."
        if version is None
        else f"Version {version} of {task} does not await approval.",
        found=f"Waiting: version {others}." if waits else "Nothing waits.",
        do=f"See `onramp status` and `onramp history {task}`.",
    )
