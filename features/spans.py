"""Which times each Parquet part covers, so that a build opens only the parts it needs.

Taken once from the part's own statistics and kept in build.db: parts never change. What has no
statistics counts as covering all times, and is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

SCHEMA = """
CREATE TABLE IF NOT EXISTS spans (
    path TEXT NOT NULL,
    time TEXT NOT NULL,                -- the column
    first INTEGER,                     -- microseconds since 1970, UTC; NULL: unknown
    last INTEGER,
    PRIMARY KEY (path, time)
);
"""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Span:
    """The times of one column of one part, microseconds; None: unknown."""

    path: Path
    first: int | None
    last: int | None

    def meets(self, low: datetime, high: datetime) -> bool:
        """Whether a time in `low` to `high`, both inclusive, may be in the part."""
        if self.first is None or self.last is None:
            return True
        return self.first <= micros(high) and self.last >= micros(low)


def spans(record: sqlite3.Connection, paths: Sequence[Path], time: str) -> tuple[Span, ...]:
    """The span of a column in each part; parts that were never looked at are."""
    rows = record.execute("SELECT path, first, last FROM spans WHERE time = ?", (time,))
    known = {row["path"]: Span(Path(row["path"]), row["first"], row["last"]) for row in rows}
    fresh = [read_span(path, time) for path in paths if str(path) not in known]
    record.executemany(
        "INSERT INTO spans VALUES (?,?,?,?)", [(str(s.path), time, s.first, s.last) for s in fresh]
    )
    known |= {str(span.path): span for span in fresh}
    return tuple(known[str(path)] for path in paths)


def meeting(found: Iterable[Span], low: datetime, high: datetime) -> set[Path]:
    return {span.path for span in found if span.meets(low, high)}


def read_span(path: Path, time: str) -> Span:
    """The span out of the statistics of every row group."""
    with pq.ParquetFile(path) as file:
        meta = file.metadata
        index = meta.schema.names.index(time)
        columns = [meta.row_group(n).column(index) for n in range(meta.num_row_groups)]
    times = [bounds(column.statistics) for column in columns if column.num_values]
    if not times or None in times:
        return Span(path, None, None)
    both = [pair for pair in times if pair is not None]
    return Span(path, min(low for low, _ in both), max(high for _, high in both))


def bounds(statistics: pq.Statistics | None) -> tuple[int, int] | None:
    if statistics is None or not statistics.has_min_max or not exact(statistics):
        return None
    return micros(statistics.min), micros(statistics.max)


def exact(statistics: pq.Statistics) -> bool:
    """Nanoseconds do not fit the microseconds that we compare in."""
    return isinstance(statistics.min, datetime) and "nano" not in str(statistics.logical_type)


def micros(when: datetime) -> int:
    """Microseconds since 1970; a time without zone is UTC."""
    return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND


def time_of(micros_since: int) -> datetime:
    return EPOCH + micros_since * MICROSECOND
