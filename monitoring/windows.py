"""Windows over the prediction log: which rows of which days, answered by which version.

Spans are half open on the left and lie end to end, so that a row belongs to one window only
and two windows never count the same evidence twice. A window's rows stay on the disk: they are
counted there (`Window.profile`), and what is read of them is narrow, or a sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd

from features.moments import due_sql, read, sign_ups_sql, timestamp
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.prediction_log import PredictionLog
from lifecycle.profile import UNKNOWN, Profile, Shape
from lifecycle.profiling import MEMORY, Bounds, profile
from lifecycle.sql import identifier, literal, literals
from lifecycle.task import Monitor, Task

KEYS = ["customer_id", "event_timestamp"]
FILE, ROW, DAY, AT = "onramp_file", "file_row_number", "onramp_day", "onramp_at"
SPARE, A_MILLION = 2, 1_000_000
A_DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, kw_only=True)
class Span:
    """The time `start < t <= end`."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}"


@dataclass(frozen=True, kw_only=True)
class Window:
    """What was served for the moments of one span, one row a moment.

    Attributes:
        rows: moments.
        versions: model version → rows.
        firsts: model version → the oldest moment it answered.
        served: where the rows are; None where nothing was logged.
        relation: their name there.
    """

    span: Span
    rows: int = 0
    versions: Mapping[int, int]
    firsts: Mapping[int, datetime]
    served: Served | None = None
    relation: str = ""

    def read(
        self, columns: Sequence[str], *, version: int | None = None, most: int | None = None
    ) -> pd.DataFrame:
        """Some columns of the rows, or of one version's, in time order.

        Args:
            columns: those that the log lacks are left out.
            version: whose rows; None: all.
            most: a sample is enough from which so many rows can be drawn by strata; by a hash, so
                that it is the same each time and needs no sorting of them all.
        """
        if self.served is None:
            return pd.DataFrame(columns=list(columns))
        names = ", ".join(identifier(name) for name in columns if name in self.served.columns)
        where = "" if version is None else f"WHERE version = {version}"
        if most is not None and self.rows > SPARE * most:
            share = SPARE * most / self.rows
            chance = f"hash(customer_id, {AT}) % {A_MILLION} < {share * A_MILLION:.0f}"
            where += f" {'AND' if where else 'WHERE'} {chance}"
        return self.served.db.execute(
            f"SELECT {names} FROM {self.relation} {where} ORDER BY {AT}, receipt_id"
        ).df()

    def profile(
        self, shapes: Sequence[Shape], bounds: Mapping[str, Bounds], own: Sequence[str] = ()
    ) -> Profile:
        """The rows in counts, in one pass.

        Args:
            shapes: what to count, and where.
            bounds: of the features' definitions.
            own: columns of which the champion's rows alone are counted.
        """
        if self.served is None:
            return Profile(shapes=tuple(shapes), parts={})
        mine = f"version = {self.served.champion}"
        return profile(
            self.served.db, self.relation, shapes, bounds=bounds, day=DAY,
            only=dict.fromkeys(own, mine),
        )  # fmt: skip

    def commonest(self, column: str, known: Sequence[str]) -> tuple[object, int]:
        """The commonest value of a column that is none of the known ones, and its rows."""
        if self.served is None:
            return None, 0
        name = identifier(column)
        listed = ", ".join(literal(word) for word in known)
        other = f"AND {name}::VARCHAR NOT IN ({listed})" if known else ""
        found = self.served.db.execute(
            f"SELECT {name}, count(*) FROM {self.relation} WHERE {name} IS NOT NULL {other}"
            " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
        ).fetchone()
        return (found[0], found[1]) if found else (None, 0)


@dataclass(frozen=True, kw_only=True)
class Served:
    """The prediction log beside the event store, in one connection that holds little.

    Attributes:
        champion: whose answer counts where several versions answered a moment.
        columns: of the log; empty where nothing was logged.
    """

    db: duckdb.DuckDBPyConnection
    champion: int
    columns: frozenset[str]

    def window(self, span: Span) -> Window:
        """The window of a span; see `moments_sql`."""
        if not self.columns:
            return Window(span=span, versions={}, firsts={})
        name = f"window_{timestamp_id(span.start)}_{timestamp_id(span.end)}"
        for sql in moments_sql(name, span, self.champion):
            self.db.execute(sql)
        found = self.db.execute(
            f"SELECT version, count(*), min({AT}) FROM {name} GROUP BY 1 ORDER BY 1"
        ).fetchall()
        return Window(
            span=span, rows=sum(row[1] for row in found), served=self, relation=name,
            versions={row[0]: row[1] for row in found},
            firsts={row[0]: row[2].replace(tzinfo=UTC) for row in found},
        )  # fmt: skip

    def due(self, span: Span) -> int:
        """How many moments fell due in the span."""
        start, end = timestamp(span.start), timestamp(span.end)
        found = self.db.execute(
            f"SELECT count(*) FROM due WHERE event_timestamp > {start} AND event_timestamp <= {end}"
        ).fetchone()
        return int(found[0]) if found else 0

    def asked(self, customers: Iterable[str]) -> pd.DataFrame:
        """customer_id, event_timestamp, signed_up_at of every due moment of some customers."""
        listed = literals(tuple(dict.fromkeys(customers)))
        return read(self.db, f"SELECT * FROM due WHERE customer_id IN ({listed})")

    def spans(self, monitor: Monitor, end: datetime, count: int) -> tuple[Span, ...]:
        """The newest spans up to `end`, by time or by rows as the task says; newest first."""
        if monitor.window_rows is None or not self.columns:
            return spans(end, days=monitor.window_days, count=count)
        rows = monitor.window_rows
        batch = "(origin = 'batch' OR NOT EXISTS (FROM served WHERE origin = 'batch'))"
        asked = (
            f"SELECT DISTINCT customer_id, {AT} FROM served WHERE {AT} <= {timestamp(end)}"
            f" AND {batch}"
        )
        # the moment after a full window is the edge of the next: ties stay together, in the older
        edges = self.db.execute(
            f"SELECT {AT} FROM ({asked})"
            f" QUALIFY (row_number() OVER (ORDER BY {AT} DESC, customer_id) - 1) % {rows} = 0"
            f" ORDER BY 1 DESC LIMIT {count + 1}"
        ).fetchall()
        starts = [row[0].replace(tzinfo=UTC) for row in edges[1:]]
        oldest = self.db.execute(f"SELECT min({AT}) FROM served").fetchone()
        if len(starts) < count:  # the oldest window holds what is left, and those before nothing
            first = oldest[0].replace(tzinfo=UTC) if oldest and oldest[0] else end
            before = min(first, end) - timedelta(microseconds=1)
            starts += [before] * (count - len(starts))
        ends = [end, *starts[:-1]]
        return tuple(Span(start=s, end=e) for s, e in zip(starts, ends, strict=True))


@contextmanager
def opened(home: Home, task: Task, as_of: datetime, champion: int) -> Iterator[Served]:
    """Open the log of a task beside the event store.

    Args:
        home: where the stores are.
        task: whose moments count as known.
        as_of: sign-ups received later do not exist.
        champion: version whose answers count first.
    """
    dataset = home.dataset()
    files = PredictionLog(home).files(task.name)
    with (
        TemporaryDirectory(prefix="onramp-monitor-") as spill,
        EventStore(home).connect(dataset) as db,
    ):
        db.execute(f"SET memory_limit = '{MEMORY}'; SET temp_directory = {literal(spill)}")
        db.execute("SET preserve_insertion_order = false")
        if files:
            db.execute(served_sql(sign_ups_sql(dataset, as_of), task, [str(f) for f in files]))
            names = db.execute("SELECT * FROM served LIMIT 0").description or []
        else:
            names = []
        db.execute(f"CREATE TEMP VIEW due AS {due_sql(dataset, task.moments, as_of)}")
        yield Served(db=db, champion=champion, columns=frozenset(row[0] for row in names))


def served_sql(sign_ups: str, task: Task, files: Sequence[str]) -> str:
    """A view of what was served: who, when in naive UTC, and how long after sign-up.

    What a challenger said in the shadow was served to nobody.
    """
    listed = ", ".join(literal(file) for file in files)
    ages = ", ".join(str(day * A_DAY) for day in task.moments)
    age = f"(epoch_us({AT}) - epoch_us(onramp_signed_up_at))"
    return f"""
CREATE TEMP VIEW served AS
SELECT l.*, CASE WHEN {age} IN ({ages}) THEN {age} // {A_DAY} ELSE {UNKNOWN} END AS {DAY}
FROM (
  SELECT *, timezone('UTC', event_timestamp) AS {AT}
  FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = false,
    filename = '{FILE}', file_row_number = true)
  WHERE origin <> 'shadow' AND customer_id IS NOT NULL AND event_timestamp IS NOT NULL
) l
LEFT JOIN (SELECT customer_id, signed_up_at AS onramp_signed_up_at FROM ({sign_ups})) s
  ON s.customer_id = l.customer_id"""


def moments_sql(name: str, span: Span, champion: int) -> tuple[str, ...]:
    """Statements that make the view `name`: one row a moment, the answer a window judges.

    Batch rows stand for every customer whose moment fell due, once. Online requests stand for
    whoever happened to be asked about, as often as that happened, at any age: they are compared
    only where nothing was scored in batch. A moment that several versions answered counts for
    the champion if it was among them, otherwise for the newest answer. Rows that are beaten by
    another of their moment are few, and looked for by the hash of their key, so that no more
    than hashes are held of a large log.
    """
    lies = f"{AT} > {timestamp(span.start)} AND {AT} <= {timestamp(span.end)}"
    batch = f"(origin = 'batch' OR NOT EXISTS (FROM served WHERE {lies} AND origin = 'batch'))"
    return (
        f"CREATE OR REPLACE TEMP VIEW {name}_all AS SELECT * FROM served WHERE {lies} AND {batch}",
        f"""
CREATE OR REPLACE TEMP TABLE {name}_beaten AS
WITH keyed AS (
  SELECT {FILE}, {ROW}, hash(customer_id, {AT}) AS key, customer_id, {AT}, version, scored_at,
    receipt_id FROM {name}_all
),
twice AS (SELECT key FROM keyed GROUP BY key HAVING count(*) > 1)
SELECT {FILE}, {ROW} FROM keyed SEMI JOIN twice USING (key)
QUALIFY row_number() OVER (
  PARTITION BY customer_id, {AT}
  ORDER BY version = {champion} DESC, scored_at DESC, receipt_id DESC, {FILE}, {ROW}) > 1""",
        f"""
CREATE OR REPLACE TEMP VIEW {name} AS
SELECT * FROM {name}_all ANTI JOIN {name}_beaten USING ({FILE}, {ROW})""",
    )


def spans(end: datetime, *, days: int, count: int) -> tuple[Span, ...]:
    """The `count` spans of `days` days up to `end`, newest first, end to end."""
    length = timedelta(days=days)
    return tuple(Span(start=end - (n + 1) * length, end=end - n * length) for n in range(count))


def timestamp_id(when: datetime) -> int:
    """A time as part of a name in SQL."""
    return int(when.timestamp() * 1_000_000)
