"""Windows over the prediction log: which rows of which days, answered by which version.

Spans are half open on the left and lie end to end, so that a row belongs to one window only
and two windows never count the same evidence twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from lifecycle.prediction_log import PredictionLog

KEYS = ["customer_id", "event_timestamp"]


@dataclass(frozen=True, kw_only=True)
class Span:
    """The time `start < t <= end`."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}"


@dataclass(frozen=True, kw_only=True)
class Window:
    """What was served for the moments of one span.

    Attributes:
        frame: one row a moment, columns as in the log; see `at_moments`.
        versions: model version → rows.
    """

    span: Span
    frame: pd.DataFrame
    versions: dict[int, int]

    @property
    def rows(self) -> int:
        return len(self.frame)

    def by(self, version: int) -> pd.DataFrame:
        """The rows that one version answered."""
        return self.frame[self.frame["version"] == version]


def spans(end: datetime, *, days: int, count: int) -> tuple[Span, ...]:
    """The `count` spans of `days` days up to `end`, newest first, end to end."""
    length = timedelta(days=days)
    return tuple(Span(start=end - (n + 1) * length, end=end - n * length) for n in range(count))


def at_moments(logged: pd.DataFrame, champion: int) -> pd.DataFrame:
    """One row a moment: the answer a window judges.

    Batch rows stand for every customer whose moment fell due, once. Online requests stand for
    whoever happened to be asked about, as often as that happened, at any age: they are compared
    only where nothing was scored in batch. What a challenger said in the shadow was served to
    nobody. A moment that several versions answered counts for
    the champion if it was among them, otherwise for the newest answer.
    """
    served = logged[logged["origin"] != "shadow"]
    known = served[served["customer_id"].notna() & served["event_timestamp"].notna()]
    batch = known[known["origin"] == "batch"]
    chosen = batch if len(batch) else known
    ordered = chosen.assign(_champion=chosen["version"] == champion).sort_values(
        [*KEYS, "_champion", "scored_at", "receipt_id"], kind="stable"
    )
    return ordered.drop_duplicates(KEYS, keep="last").drop(columns="_champion")


def cut(log: PredictionLog, task: str, wanted: Sequence[Span], champion: int) -> tuple[Window, ...]:
    """The windows of the wanted spans, in their order; the log is read once."""
    if not wanted:
        return ()
    logged = log.read(
        task, start=min(span.start for span in wanted), end=max(span.end for span in wanted)
    )
    if logged.empty:
        return tuple(Window(span=span, frame=logged, versions={}) for span in wanted)
    when = logged["event_timestamp"].fillna(logged["scored_at"])
    return tuple(
        window(span, logged[(when > span.start) & (when <= span.end)], champion) for span in wanted
    )


def window(span: Span, logged: pd.DataFrame, champion: int) -> Window:
    """One window from the log's rows of its span."""
    frame = at_moments(logged, champion).reset_index(drop=True)
    counts = frame["version"].value_counts().sort_index()
    return Window(span=span, frame=frame, versions={int(str(v)): int(n) for v, n in counts.items()})
