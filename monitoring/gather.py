"""Bring together the evidence for one window; triage only reads what this hands over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pandas as pd

from features.labels import labels
from features.moments import moments
from lifecycle import version_files
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.job_states import JUDGED
from lifecycle.jobs import Jobs
from lifecycle.prediction_log import PredictionLog
from lifecycle.registry import Registry
from lifecycle.task import Task
from monitoring import drift, quality
from monitoring.approved import Approved, without
from monitoring.matching import matched
from monitoring.performance import (
    Answers,
    Performance,
    answers,
    judgeable,
    labelled,
    paired_gain,
    perform,
)
from monitoring.rescore import rescored
from monitoring.triage import Champion, Evidence
from monitoring.windows import Span, Window, cut, spans


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The evidence, and the rows that a report draws.

    Attributes:
        reference, current: what was compared, matched by days after sign-up.
        ripened: rows of the newest ripened window with their `label`.
    """

    evidence: Evidence
    reference: pd.DataFrame
    current: pd.DataFrame
    ripened: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Ripened:
    """One window whose horizon has passed: the champion's rows, and what their labels say."""

    window: Window
    own: pd.DataFrame
    performance: Performance
    given: Answers


def gather(home: Home, task: Task, against: Approved, as_of: datetime) -> Gathered:
    """Everything known of the window that ends at `as_of`, and of the ripened ones before it."""
    monitor, version = task.monitor, against.version.number
    log = PredictionLog(home)
    now, before = cut(
        log, task.name, spans(as_of, days=monitor.window_days, count=2), version
    )  # fmt: skip
    # one more than is judged says whether the champion already served before
    ripe_spans = spans(as_of - task.horizon, days=monitor.window_days, count=monitor.of + 1)
    ripe_windows = cut(log, task.name, ripe_spans, version)
    truth = labels(home, task, as_of)
    ripe = [ripened(window, against, truth) for window in ripe_windows]
    asked = moments(home, task, as_of)
    due = due_in(asked, now.span)
    before_rows, now_rows = matched(against.reference, now.frame, asked)
    last, cooled = cooling(home, task, as_of)
    evidence = Evidence(
        task=task.name,
        span=now.span,
        rows=now.rows,
        due=due,
        least_rows=monitor.least_rows,
        champion=champion(against, [now, before, *ripe_windows]),
        broken=broken(home, against, now, due=due if before.rows else 0, as_of=as_of),
        drift=drifts(against, before_rows, now_rows, effect=monitor.effect),
        performance=tuple(one.performance for one in ripe[: monitor.of]),
        windows_to_act=monitor.windows,
        retrained=last,
        cooled_down=cooled,
    )
    gain = previous_gain(home, task, against, truth, ripe[: monitor.of])
    return Gathered(
        evidence=replace(evidence, champion=replace(evidence.champion, previous_gain=gain)),
        reference=before_rows,
        current=now_rows,
        ripened=labelled(ripe[0].own, truth),
    )


def due_in(asked: pd.DataFrame, span: Span) -> int:
    """How many moments fell due in the span."""
    when = asked["event_timestamp"]
    return int(((when > span.start) & (when <= span.end)).sum())


def drifts(
    against: Approved, reference: pd.DataFrame, frame: pd.DataFrame, *, effect: float
) -> tuple[drift.ColumnDrift, ...]:
    """Features of all rows; answers of the champion's own rows, for another's lie elsewhere."""
    if frame.empty:
        return ()
    own = frame[frame["version"] == against.version.number]
    found = drift.measure(reference, frame, against.features)
    found += drift.measure(reference, own, against.answers)
    return drift.judge(found, effect=effect)


def broken(
    home: Home, against: Approved, now: Window, *, due: int, as_of: datetime
) -> tuple[quality.Breach, ...]:
    """Everything that is wrong with the data itself, the source first."""
    found = (
        quality.freshness(days_received(home, as_of), as_of),
        quality.volume(now.rows, due),
        *quality.columns_broken(against.reference, now.frame, against.bounds),
    )
    return tuple(breach for breach in found if breach is not None)


def days_received(home: Home, as_of: datetime) -> tuple[datetime, ...]:
    """The last receipt of each day that had one, oldest first."""
    with EventStore(home).connect(home.dataset()) as db:
        rows = db.execute(
            "SELECT max(received_at) FROM events WHERE received_at <= ?::TIMESTAMP"
            " GROUP BY date_trunc('day', received_at) ORDER BY 1",
            [as_of.astimezone(UTC).replace(tzinfo=None)],
        ).fetchall()
    return tuple(row[0].replace(tzinfo=UTC) for row in rows)


def ripened(window: Window, against: Approved, truth: pd.DataFrame) -> Ripened:
    """Judge the champion's unseen rows of a window, unless its data was broken."""
    by = against.yardstick
    own = against.unseen(window.by(against.version.number)) if window.rows else window.frame
    given = answers(by.kind, against.classes, own, truth)
    performance = perform(window.span, against.version.number, len(own), given, by)
    breaches = quality.columns_broken(against.reference, window.frame, against.bounds)
    if breaches:
        performance = replace(
            performance,
            outcome="could not tell",
            calibration_outcome="could not tell",
            set_aside=f"its data was broken ({breaches[0].words})",
        )
    return Ripened(window=window, own=own, performance=performance, given=given)


def champion(against: Approved, windows: Sequence[Window]) -> Champion:
    """Who serves, and the oldest of these moments that it answered after it was made."""
    firsts: list[datetime] = [
        frame["event_timestamp"].min().to_pydatetime()
        for window in windows
        if window.rows and len(frame := window.by(against.version.number))
    ]
    return Champion(
        version=against.version.number,
        first_moment=max(min(firsts), against.trained_as_of) if firsts else None,
        previous=against.previous.number if against.previous else None,
    )


def cooling(home: Home, task: Task, as_of: datetime) -> tuple[datetime | None, bool]:
    """When a retrain was last judged, on the data's clock, and whether a window has passed."""
    judged = [
        datetime.fromisoformat(job.as_of)
        for job in Jobs(home).read(task.name)
        if job.state in JUDGED
    ]
    last = max(judged, default=None)
    wait = timedelta(days=task.monitor.window_days)
    return last, last is None or as_of - last >= wait


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
    own = without(pd.concat([one.own for one in decayed]), version_files.row_keys(folder))
    given = answers(task.kind, against.classes, own, truth)
    if not judgeable(given, task.monitor.least_rows):
        return None
    theirs = rescored(folder, task.kind, own)
    if theirs is None:
        return None
    return paired_gain(
        answers(task.kind, against.classes, theirs, truth), given, task.monitor.metric
    )
