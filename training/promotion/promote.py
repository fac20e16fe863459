"""Judges a version on unseen rows and, if it passes, makes it the champion.

Safe to be killed anywhere and run again: before the move it is judged again, a move that was
begun is settled first (`training.promotion.move`), and a version that is the champion already is
left as it is. One change of a task's champion runs at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pandas as pd

from lifecycle.errors import NotReady, Refused
from lifecycle.event_store import EventStore
from lifecycle.gate import Decision, Finding, Skew
from lifecycle.home import Home
from lifecycle.jobs import End
from lifecycle.ledger import MOVES, Ledger
from lifecycle.registry import Registry, Version
from lifecycle.task import Task
from training.promotion.awaiting import AWAIT, ask, awaiting, left_behind, record, stands
from training.promotion.evidence import Contender
from training.promotion.judged import Definitions, Frames, Judged, Today, judged
from training.promotion.move import alone, move
from training.promotion.report import PromotionReport
from training.promotion.standing import Standing, standing

ENDS: Mapping[Decision, End] = {
    "promote": "promoted", "refuse": "refused", "cannot judge": "undecided",
}  # fmt: skip


def promote(
    home: Home,
    task: Task,
    *,
    version: int | None = None,
    actor: str,
    as_of: datetime | None = None,
) -> PromotionReport:
    """Judge a version (default: the newest) and promote it if the gate says so.

    Args:
        home: where everything lives.
        task: as the home's data set asks it (`tasks.supported`).
        version: its number; None: the newest.
        actor: who is recorded in the ledger.
        as_of: evaluation rows are those whose label was known then; default: now, on the data
            set's clock.

    Raises:
        NotReady: there is no version.
        UnknownName: there is no such version.
        Refused: no version was named, and the newest is the one that was rolled back from.
        Busy: another change of the task's champion takes longer than a minute.
    """
    today = today_of(home, task, as_of)
    return carded(home, task, promote_by(home, task, today, version=version, actor=actor))


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
    home: Home, task: Task, today: Today, *, version: int | None, actor: str
) -> PromotionReport:
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
            report = conclude(home, task, found, actor)
    return report.noted(left.words if left else "", *report.notes)


def conclude(home: Home, task: Task, found: Judged, actor: str) -> PromotionReport:
    """Act on the verdict: move, ask a person, or leave everything as it is; and record it."""
    decision = found.verdict.decision
    report = PromotionReport(
        task=task.name,
        decision=decision,
        changed=False,
        version=found.version.number,
        previous=found.champion.number if found.champion else None,
        verdict=found.verdict,
        evidence=found.evidence,
    )
    if decision != "promote":
        entry = found.decided(decision, actor).entry(found.version, report.previous)
        return replace(report, row=record(home, entry, ENDS[decision]))
    if task.approval == "required":
        entry = found.decided(AWAIT, actor).entry(found.version, report.previous)
        return replace(report, awaits=True, row=ask(home, Registry(home), found.version, entry))
    moved = move(home, found.version, found.decided(decision, actor))
    return replace(report, changed=True, row=moved.row).noted(moved.problem)


def find(home: Home, registry: Registry, task: Task, number: int | None) -> Version:
    """The version to judge.

    Raises:
        NotReady: there is none.
        UnknownName: there is none of that number.
        Refused: none was named, and the newest is the one that was rolled back from.
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
    if versions[0].number == left_behind(home, task.name):
        raise Refused(
            f"The newest version of {task.name} was rolled back from.",
            found=f"That is version {versions[0].number}; `onramp history {task.name}` says why.",
            do=f"Train another, or name it: `--version {versions[0].number}` judges it again.",
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
    )


def already(home: Home, version: Version) -> PromotionReport:
    """Nothing to do; of two that promote at once, the second is told here of the first."""
    row = Ledger(home).last(version.task, MOVES).get(str(version.number))
    since = f" ({row.decision} by {row.actor}, ledger row {row.number})" if row else ""
    words = (
        f"Version {version.number} is the champion of {version.task} already{since}: nothing to do."
    )
    finding = Finding(rule="already champion", outcome="passed", words=words)
    return PromotionReport.unjudged(version, finding, row=row.number if row else None)


def carded(home: Home, task: Task, report: PromotionReport) -> PromotionReport:
    """The report, once the version's card tells of the new verdict: no card undoes a promotion."""
    if not report.changed and report.evidence is None:
        return report
    from training.promotion.card import try_to_publish  # noqa: PLC0415  # draws, for people only

    version = Registry(home).version(task.name, report.version)
    return report.noted(*report.notes, try_to_publish(home, task, version))
