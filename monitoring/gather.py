"""Bring together the evidence for one window; triage only reads what this hands over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import duckdb
import pandas as pd

from lifecycle import version_files
from lifecycle.home import Home
from lifecycle.registry import Registry
from lifecycle.task import Task
from monitoring import quality
from monitoring.approved import Approved, without
from monitoring.arrivals import arrivals
from monitoring.budget import Budget, budgets
from monitoring.complete import Completeness, Truth
from monitoring.estimated import expected_of
from monitoring.evidence import Champion, Evidence
from monitoring.past import history, retrains
from monitoring.performance import (
    Answers,
    Performance,
    answers,
    columns_of,
    judgeable,
    paired_gain,
    perform,
)
from monitoring.profile import Reference, breaches, drifts, profile_window, reference_of
from monitoring.rescore import rescored
from monitoring.sample import Pictured, pictured
from monitoring.skew import Skewed, skewed
from monitoring.windows import Window, opened

READ_TRIES = 3
BUDGETS = ".budgets.json"


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The evidence, and what is told beside it.

    Attributes:
        windows: how complete the current window is, then the ripened ones, newest first.
        budgets: what each alarm costs when nothing is wrong.
        skew: what was answered online, beside the offline store. Not of the evidence but where it
            is broken, for answers about a past window may still be given.
        pictured: the rows that a report draws; None where none was asked for.
    """

    evidence: Evidence
    windows: tuple[Completeness, ...]
    budgets: tuple[Budget, ...]
    skew: Skewed
    pictured: Pictured | None


@dataclass(frozen=True, kw_only=True)
class Ripened:
    """One window whose horizon has passed, and what the labels say of the champion's rows."""

    window: Window
    performance: Performance
    given: Answers


def gather(
    home: Home, task: Task, against: Approved, as_of: datetime, *, drawn: bool = False
) -> Gathered:
    """Everything known of the window that ends at `as_of`, and of the ripened ones before it.

    Args:
        home: where the stores are.
        task: as the data set asks it.
        against: the champion.
        as_of: nothing that was received later exists.
        drawn: read the rows that a report draws as well.
    """
    for _ in range(READ_TRIES - 1):
        try:
            return gather_once(home, task, against, as_of, drawn=drawn)
        except duckdb.IOException:  # a file of the log was gathered into another meanwhile
            continue
    return gather_once(home, task, against, as_of, drawn=drawn)


def gather_once(
    home: Home, task: Task, against: Approved, as_of: datetime, *, drawn: bool
) -> Gathered:
    """`gather`, of the log as it is now."""
    monitor, version = task.monitor, against.version.number
    with opened(home, task, as_of, version) as served:
        now, before = map(served.window, served.spans(monitor, as_of, 2))
        # one more than is judged says whether the champion already served before
        ends = served.spans(monitor, as_of - task.horizon, monitor.of + 1)
        windows = [served.window(span) for span in ends]
        truth = Truth(served, home, task, as_of).since(windows[-1].span.start)
        reference = reference_of(against, served.asked(against.reference["customer_id"]))
        ripe = [ripened(window, reference, truth.frame) for window in windows]
        counts = profile_window(reference, now)
        due = served.due(now.span)
        verdicts = history(home, task.name, as_of)
        tried = retrains(home, task.name, monitor, as_of, verdicts)
        skew = skewed(home, task, against, now.span)
        evidence = Evidence(
            task=task.name,
            span=now.span,
            rows=now.rows,
            due=due,
            least_rows=monitor.least_rows,
            champion=champion(against, [now, before, *windows]),
            broken=(
                *arrivals(home, now.span),
                *quality.volume(now.rows, due if before.rows else 0),
                *breaches(reference, now, counts),
                *skew.breaches,
            ),
            drift=drifts(reference, counts, monitor.effect),
            performance=tuple(one.performance for one in ripe[: monitor.of]),
            windows_to_act=monitor.windows,
            effect=monitor.effect,
            tolerated_loss=monitor.tolerated_loss,
            retrained=tried.last,
            cooled_down=tried.ready is None or as_of >= tried.ready,
            cooled_at=tried.ready,
            retrains_this_month=tried.this_month,
            retrains_a_month=monitor.retrains_a_month,
            history=verdicts,
            estimated=expected_of(
                against.yardstick,
                against.reference,
                now.read(["prediction"], version=version),
                [one.given for one in ripe[: monitor.of] if not one.performance.set_aside],
            ),
        )
        gain = previous_gain(home, task, against, truth.frame, ripe[: monitor.of])
        return Gathered(
            evidence=replace(evidence, champion=replace(evidence.champion, previous_gain=gain)),
            windows=truth.complete([now, *windows[: monitor.of]]),
            budgets=costs(home, reference, now, ripe[0].performance.labelled),
            skew=skew,
            pictured=pictured(served, task, against, now, windows[0], truth.frame)
            if drawn
            else None,
        )


def costs(home: Home, reference: Reference, now: Window, labelled: int) -> tuple[Budget, ...]:
    """The alarms' budgets at the size of this window, kept beside the version's files."""
    against = reference.against
    span = now.span.end - now.span.start
    days = against.yardstick.monitor.window_days
    if against.yardstick.monitor.window_rows is not None:
        days = max(1, round(span / timedelta(days=1)))
    place = Registry(home).place(against.version)
    return budgets(
        reference, rows=now.rows, labelled=labelled, days=days,
        cache=place.with_name(f"{place.name}{BUDGETS}"),
    )  # fmt: skip


def ripened(window: Window, reference: Reference, truth: pd.DataFrame) -> Ripened:
    """Judge the champion's unseen rows of a window, unless its data was broken."""
    against = reference.against
    by = against.yardstick
    own = against.unseen(window.read(columns_of(by.kind), version=against.version.number))
    given = answers(by.kind, against.classes, own, truth)
    performance = perform(window.span, against.version.number, len(own), given, by)
    found = breaches(reference, window, profile_window(reference, window))
    if found:
        performance = replace(
            performance,
            outcome="could not tell",
            calibration_outcome="could not tell",
            set_aside=f"its data was broken ({found[0].words})",
        )
    return Ripened(window=window, performance=performance, given=given)


def champion(against: Approved, windows: Sequence[Window]) -> Champion:
    """Who serves, and the oldest of these moments that it answered after it was made."""
    number = against.version.number
    firsts = [window.firsts[number] for window in windows if number in window.firsts]
    return Champion(
        version=number,
        first_moment=max(min(firsts), against.trained_as_of) if firsts else None,
        previous=against.previous.number if against.previous else None,
        pinned=against.pinned,
    )


def previous_gain(
    home: Home, task: Task, against: Approved, truth: pd.DataFrame, ripe: Sequence[Ripened]
) -> tuple[float, float] | None:
    """What the version before would have gained on the decayed rows, where that could matter.

    Only on rows that neither was trained on: on its own it would look better than it is.
    """
    decayed = [one for one in ripe if one.performance.outcome == "decayed"]
    if against.previous is None or len(decayed) < task.monitor.windows:
        return None
    folder = Registry(home).folder(against.previous)
    rows = pd.concat([with_features(against, one.window) for one in decayed])
    own = without(rows, version_files.row_keys(folder))
    given = answers(task.kind, against.classes, own, truth)
    if not judgeable(given, task.monitor.least_rows):
        return None
    theirs = rescored(folder, task.kind, own)
    if theirs is None:
        return None
    return paired_gain(
        answers(task.kind, against.classes, theirs, truth), given, task.monitor.metric
    )


def with_features(against: Approved, window: Window) -> pd.DataFrame:
    """The champion's unseen rows of a window, with every column of the log."""
    everything = sorted(window.served.columns) if window.served else []
    return against.unseen(window.read(everything, version=against.version.number))
