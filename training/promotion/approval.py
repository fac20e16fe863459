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
from lifecycle.webhook import deliver
from training.promotion.awaiting import (
    APPROVE,
    REJECT,
    awaiting,
    last_word,
    record,
    retag,
    stands,
)
from training.promotion.judged import Today, judged
from training.promotion.move import Decided, alone, move, named
from training.promotion.promote import already, carded, conclude, today_of
from training.promotion.report import PromotionReport
from training.promotion.standing import standing


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """A version that no longer waits; the champion stays."""

    task: str
    version: int
    champion: int | None
    because: str
    row: int
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """What a person reads."""
        stays = f"version {self.champion} stays" if self.champion else "nobody serves"
        return [
            f"{self.task} version {self.version}: rejected, {stays}. {self.because}",
            *(f"  note: {note}" for note in self.notes),
        ]


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
        report = act(home, task, today, version, said)
    return report.noted(left.words if left else "", *report.notes, deliver(home))


def act(
    home: Home, task: Task, today: Today, version: int | None, said: Decided
) -> PromotionReport:
    """Move by the verdict that stands, or judge again; under the task's lock."""
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
        word = replace(said, evidence={"asked_in_row": row.number})
        report = conclude(home, asked, found, said.actor, word)
    note = retag(home, task.name, chosen.number) if report.changed else ""
    return report.noted(*report.notes, note)


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
    """Let a version wait no longer, even one that was deleted; the champion stays.

    Said again of the same version, it changes nothing.

    Raises:
        NotReady: nothing waits, or not this version.
        Busy: another change of the task's champion takes longer than a minute.
    """
    with alone(home, task) as left:
        champion = Registry(home).aliases(task).get("champion")
        said = last_word(home, task, version) if version is not None else None
        if said is None or said.decision != REJECT:
            row = waiting_row(awaiting(home, task), task, version)
            said = withdraw(home, row, champion, actor=actor, because=because)
        number = int(said.version or 0)
        notes = (left.words if left else "", retag(home, task, number))
    return Rejection(
        task=task, version=number, champion=champion, because=said.why, row=said.number,
        notes=tuple(note for note in notes if note),
    )  # fmt: skip


def withdraw(home: Home, row: Entry, champion: int | None, *, actor: str, because: str) -> Entry:
    """Reject what the row asks for, with the job that waits for it; returns what was written."""
    said = Decided(decision=REJECT, actor=actor, why=because, evidence={"asked_in_row": row.number})
    entry = said.entry(named(row.task, int(row.version or 0)), champion)
    return replace(entry, number=record(home, entry, "refused"))


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
