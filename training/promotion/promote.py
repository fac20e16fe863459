"""Judges a version on unseen rows and, if it passes, makes it the champion.

Safe to be killed anywhere and run again: before the move it is judged again, a move that was
begun is settled first (`training.promotion.move`), and a version that is the champion already is
left as it is. One change of a task's champion runs at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

import pandas as pd

from lifecycle.errors import NotReady, Refused
from lifecycle.event_store import EventStore
from lifecycle.gate import Decision, Finding, Skew
from lifecycle.home import Home
from lifecycle.job_states import End
from lifecycle.ledger import MOVES, Ledger
from lifecycle.registry import Registry, Version
from lifecycle.task import Task
from lifecycle.webhook import deliver
from training.promotion.awaiting import (
    AWAIT,
    REJECT,
    awaiting,
    last_word,
    left_behind,
    record,
    retag,
    stands,
)
from training.promotion.evidence import Contender
from training.promotion.judged import Definitions, Frames, Judged, Today, judged
from training.promotion.move import Decided, alone, move, named
from training.promotion.report import PromotionReport
from training.promotion.standing import Standing, standing

ENDS: Mapping[Decision, End] = {
    "promote": "promoted", "refuse": "refused", "cannot judge": "undecided",
}  # fmt: skip


Moving = Callable[[], None]


def unasked() -> None:
    """Nobody has a say before aliases move."""


def promote(
    home: Home,
    task: Task,
    *,
    version: int | None = None,
    actor: str,
    as_of: datetime | None = None,
    moving: Moving = unasked,
) -> PromotionReport:
    """Judge a version (default: the newest) and promote it if the gate says so.

    Args:
        home: where everything lives.
        task: as the home's data set asks it (`tasks.supported`).
        version: its number; None: the newest.
        actor: who is recorded in the ledger.
        as_of: evaluation rows are those whose label was known then; default: now, on the data
            set's clock.
        moving: called before the first alias moves; what it raises keeps everything as it is.

    Raises:
        NotReady: there is no version.
        UnknownName: there is no such version.
        Refused: no version was named, and the newest is the one that was rolled back from, or
            that a person rejected.
        Busy: another change of the task's champion takes longer than a minute.
    """
    today = today_of(home, task, as_of)
    report = promote_by(home, task, today, version=version, actor=actor, moving=moving)
    return carded(home, task, report)


def today_of(home: Home, task: Task, as_of: datetime | None) -> Today:
    """What the home has to judge on."""

    def now() -> datetime:
        return as_of or EventStore(home).as_of(home.dataset())

    def definitions() -> Mapping[str, str]:
        from features.store import definitions  # noqa: PLC0415  # Feast, as below

        return definitions(home, task.name)

    def frames() -> pd.DataFrame:
        from training.dataset import assemble  # noqa: PLC0415  # Feast: 4 s that a frame spares

        return assemble(home, task, now()).frame

    def replay(challenger: Contender, champion: Contender | None) -> Skew | None:
        from training.promotion.skew import skew  # noqa: PLC0415  # Feast, as above

        return skew(home, task, challenger, champion, now())

    return Today(frames=frames, definitions=definitions, replay=replay)


def promote_on(  # `promote`'s own, each by name
    home: Home,
    task: Task,
    frames: Frames,
    definitions: Definitions = dict,
    *,
    version: int | None = None,
    actor: str,
) -> PromotionReport:
    """As `promote`, on given labelled moments, with the definitions of their features."""
    today = Today(frames=frames, definitions=definitions)
    return promote_by(home, task, today, version=version, actor=actor)


def promote_by(
    home: Home, task: Task, today: Today, *, version: int | None, actor: str,
    moving: Moving = unasked,
) -> PromotionReport:  # fmt: skip
    """As `promote`, judged on what `today` gives."""
    with alone(home, task.name) as left:
        registry = Registry(home)
        challenger = find(home, registry, task, version)
        against = standing(home, registry, task.name)
        if against.number == challenger.number:
            report = already(home, challenger)
        elif waits(home, task, challenger, against):
            report = still_waits(home, challenger, against.number)
        else:
            found = judged(registry, task, today, (challenger, against), actor)
            report = conclude(home, task, found, actor, moving=moving)
    return report.noted(left.words if left else "", *report.notes, deliver(home))


def conclude(
    home: Home, task: Task, found: Judged, actor: str, said: Decided | None = None,
    moving: Moving = unasked,
) -> PromotionReport:  # fmt: skip
    """Act on the verdict: move, ask a person, or leave everything as it is; and record it.

    `said` is the word of a person who approved the version before it was judged again.
    """
    decision, number = found.verdict.decision, found.version.number
    report = PromotionReport(
        task=task.name,
        decision=decision,
        changed=False,
        version=number,
        previous=found.champion.number if found.champion else None,
        verdict=found.verdict,
        evidence=found.evidence,
    )
    decided = found.on_word(said) if said else found.decided(decision, actor)
    if decision != "promote":
        entry = decided.entry(found.version, report.previous)
        row = record(home, entry, ENDS[decision])
        return replace(report, row=row).noted(retag(home, task.name, number))
    if task.approval == "required":
        entry = replace(decided, decision=AWAIT).entry(found.version, report.previous)
        row = Ledger(home).append(entry)
        return replace(report, awaits=True, row=row).noted(retag(home, task.name, number))
    moving()
    moved = move(home, found.version, decided)
    return replace(report, changed=True, row=moved.row).noted(moved.problem)


def find(home: Home, registry: Registry, task: Task, number: int | None) -> Version:
    """The version to judge.

    Raises:
        NotReady: there is none.
        UnknownName: there is none of that number.
        Refused: none was named, and the newest is the one that was rolled back from, or that a
            person rejected.
    """
    if number is not None:
        return registry.version(task.name, number)
    versions = registry.versions(task.name)
    if not versions:
        raise NotReady(
            f"No version of {task.name} to promote.",
            found="Nothing was trained yet.",
            do=f"Run `onramp train {task.name}`.",
        )
    newest = versions[0].number
    said = last_word(home, task.name, newest)
    rejected = said is not None and said.decision == REJECT
    if rejected or newest == left_behind(home, task.name):
        fate = "rejected" if rejected else "rolled back from"
        raise Refused(
            f"The newest version of {task.name} was {fate}.",
            found=f"That is version {newest}; `onramp history {task.name}` says why.",
            do=f"Train another, or name it: `--version {newest}` judges it again.",
        )
    return versions[0]


def waits(home: Home, task: Task, version: Version, against: Standing) -> bool:
    """Whether a verdict of this champion says promote and a person has yet to speak."""
    row = awaiting(home, task.name).get(version.number)
    return task.approval == "required" and row is not None and stands(row, against)


def still_waits(home: Home, version: Version, previous: int | None) -> PromotionReport:
    """Nothing to do but to ask again."""
    row = awaiting(home, version.task)[version.number]
    words = f"Version {version.number} awaits approval since ledger row {row.number}."
    finding = Finding(rule="awaits approval", outcome="passed", words=words)
    return PromotionReport.unjudged(
        version, finding, previous=previous, awaits=True, row=row.number
    ).noted(retag(home, version.task, version.number))


def already(home: Home, version: Version) -> PromotionReport:
    """Nothing to do; of two that promote at once, the second is told here of the first."""
    row = Ledger(home).last(version.task, MOVES).get(str(version.number))
    since = f" ({row.decision} by {row.actor}, ledger row {row.number})" if row else ""
    words = (
        f"Version {version.number} is the champion of {version.task} already{since}: nothing to do."
    )
    finding = Finding(rule="already champion", outcome="passed", words=words)
    report = PromotionReport.unjudged(version, finding, row=row.number if row else None)
    return report.noted(retag(home, version.task, version.number))


def carded(home: Home, task: Task, report: PromotionReport) -> PromotionReport:
    """The report, once the version's card tells of the new verdict: no card undoes a promotion."""
    if not report.changed and report.evidence is None:
        return report
    from training.promotion.card import try_to_publish  # noqa: PLC0415  # draws, for people only

    version = named(task.name, report.version)
    return report.noted(*report.notes, try_to_publish(home, task, version))
