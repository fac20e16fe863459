"""Which times each Parquet part covers, so that a build opens only the parts it needs.

Taken once from the part's own statistics and kept in build.db with the file's size and time of
change: a part that was written anew is looked at anew. What has no statistics counts as covering
all times, and is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

SCHEMA = """
DROP TABLE IF EXISTS spans;            -- of builds that knew a part by its path alone
CREATE TABLE IF NOT EXISTS part_spans (
    path TEXT NOT NULL,
    time TEXT NOT NULL,                -- the column
    size INTEGER NOT NULL,             -- of the file, bytes
    changed INTEGER NOT NULL,          -- the file, nanoseconds since 1970
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
    """The span of a column in each part; parts that were not looked at as they are now are."""
    rows = record.execute("SELECT * FROM part_spans WHERE time = ?", (time,))
    known = {
        (row["path"], row["size"], row["changed"]): (row["first"], row["last"]) for row in rows
    }
    found, fresh = [], []
    for path in paths:
        key = version(path)
        if key in known:
            found.append(Span(path, *known[key]))
            continue
        span = read_span(path, time)
        found.append(span)
        name, size, changed = key
        fresh.append((name, time, size, changed, span.first, span.last))
    record.executemany("INSERT OR REPLACE INTO part_spans VALUES (?,?,?,?,?,?)", fresh)
    return tuple(found)


def version(path: Path) -> tuple[str, int, int]:
    """What tells a file from one that took its place."""
    there = path.stat()
    return str(path), there.st_size, there.st_mtime_ns


def forget_gone(record: sqlite3.Connection) -> None:
    """Drop the spans of parts that are no longer there."""
    rows = record.execute("SELECT DISTINCT path FROM part_spans").fetchall()
    gone = [(row["path"],) for row in rows if not Path(row["path"]).exists()]
    record.executemany("DELETE FROM part_spans WHERE path = ?", gone)


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
