"""Which row of a feature view's parts answers each entity row: two ways to say it in SQL.

Both read the relation `asked` (keys k0, k1, …, time t in microseconds, number n) and give `n` and
`ref`, where the row lies, of the entity rows that something answers. Pairs are quicker while a key
has few entity rows; sorting does not care how many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lifecycle.sql import identifier, literal

# Where a row lies: number of the file in the upper bits, row number in the lower.
ROW_BITS = 32

LONG_AGO = -(2**63)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
COMPARED = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP")


@dataclass(frozen=True, kw_only=True)
class History:
    """A feature view as the join sees it.

    Attributes:
        pattern: path or glob of its Parquet parts.
        keys: column of the parts → column of the entity rows; none: one history for everybody.
        time: the event time's column.
        created: the column of the time of creation, if there is one.
        features: name in the result → column of the parts.
        ttl: how old a row may be and still answer; None: any age.
        known_only: whether a row created after the entity row's time is out.
        since: rows of an earlier event time are out.
    """

    name: str
    pattern: str
    keys: Mapping[str, str]
    time: str
    created: str | None
    features: Mapping[str, str]
    ttl: timedelta | None
    known_only: bool
    since: datetime | None = None

    @property
    def by_creation(self) -> bool:
        """Whether the time of creation decides which rows are out."""
        return self.known_only and self.created is not None

    @property
    def oldest(self) -> str:
        """A row's least event time, as SQL over the entity row's time `t`."""
        bounds = [f"t - {self.ttl // TICK}"] if self.ttl else []
        bounds += [str(microseconds(self.since))] if self.since else []
        return f"greatest({', '.join(bounds)})" if bounds else str(LONG_AGO)


@dataclass(frozen=True)
class Parts:
    """The files of a history, and the SQL types of its two times in them."""

    files: tuple[str, ...]
    time: str
    created: str

    @property
    def rows(self) -> str:
        return read(self.files)


def scan_sql(history: History, parts: Parts, first: int, last: int) -> str:
    """Keys, times ts and created in microseconds, and `ref`, of the rows not out of reach.

    Args:
        history: whose rows.
        parts: where they lie.
        first: time of the first entity row, microseconds.
        last: time of the last one.
    """
    keys = [f"{identifier(name)} AS k{i}" for i, name in enumerate(history.keys)] or ["0 AS k0"]
    created = microseconds_sql(history.created, parts.created) if history.created else "NULL"
    if not history.by_creation:
        # Without a time of creation a row yields to one that has one.
        created = f"coalesce({created}, {LONG_AGO})"
    near = bound_sql(history.time, "<=", last, parts.time)
    if history.ttl:
        oldest = first - history.ttl // TICK
        near += f" AND {bound_sql(history.time, '>=', oldest, parts.time)}"
    return (
        f"SELECT {', '.join(keys)}, {microseconds_sql(history.time, parts.time)} AS ts,"
        f" {created} AS created, (file_index::BIGINT << {ROW_BITS}) + file_row_number AS ref"
        f" FROM {parts.rows} WHERE {near}"
    )


def paired_sql(history: History, scanned: str) -> str:
    """Each row of the parts meets the entity rows of its key; the best of each is kept."""
    same = " AND ".join(f"a.{key} = f.{key}" for key in key_columns(history))
    known = "AND f.created <= t" if history.by_creation else ""
    return f"""
SELECT n, max(struct_pack(ts := f.ts, created := f.created, ref := f.ref)).ref AS ref
FROM ({scanned}) f JOIN asked a ON {same}
WHERE f.ts <= t AND f.ts >= {history.oldest} {known}
GROUP BY n"""


def sorted_sql(history: History, scanned: str) -> str:
    """Rows by the time from which they can answer; each entity row takes the last before it.

    A row that came late, when a newer event was known already, answers nobody. Once those are
    out, the row that could answer last is the best.
    """
    keys = key_columns(history)
    by = ", ".join(keys)
    since = "greatest(ts, created)" if history.by_creation else "ts"
    needed = (*keys, "created") if history.by_creation else keys
    whole = " AND ".join(f"{name} IS NOT NULL" for name in needed)
    newest = (
        f"QUALIFY ts >= max(ts) OVER (PARTITION BY {by} ORDER BY since, ts, created, ref"
        " ROWS UNBOUNDED PRECEDING)"
    )
    return f"""
WITH known AS (
  SELECT *, {since} AS since FROM ({scanned}) WHERE {whole}
  {newest if history.by_creation else ""}
),
line AS (
  SELECT {by}, since, 0 AS side, ts, created, ref, NULL AS n FROM known
  UNION ALL
  SELECT {by}, t, 1, NULL, NULL, NULL, n FROM asked
),
best AS (
  SELECT n, since AS t, last_value(ts IGNORE NULLS) OVER w AS ts,
    last_value(ref IGNORE NULLS) OVER w AS ref
  FROM line
  WINDOW w AS (PARTITION BY {by} ORDER BY since, side, ts, created, ref ROWS UNBOUNDED PRECEDING)
)
SELECT n, ref FROM best WHERE n IS NOT NULL AND ref IS NOT NULL AND ts >= {history.oldest}"""


def moments_sql(history: History, parts: Parts, end: datetime, time: str) -> str:
    """Every moment of the history from its `since` to `end`: keys by name, then `time`."""
    names = sorted(history.keys.items(), key=lambda names: names[1])
    keys = "".join(f"{identifier(old)} AS {identifier(new)}, " for old, new in names)
    when = microseconds_sql(history.time, parts.time)
    first = microseconds(history.since) if history.since else LONG_AGO
    return (
        f"SELECT {keys}make_timestamp({when})::TIMESTAMPTZ AS {identifier(time)}"
        f" FROM {parts.rows} WHERE {when} BETWEEN {first} AND {microseconds(end)}"
    )


def fetch_sql(history: History, files: Sequence[str]) -> str:
    """The features, and `ref`, of the rows that `wanted` names by part and line."""
    chosen = "".join(
        f", p.{identifier(column)} AS {identifier(name)}"
        for name, column in history.features.items()
    )
    return (
        f"SELECT w.ref{chosen} FROM {read(files)} p"
        " JOIN wanted w ON p.file_index = w.part AND p.file_row_number = w.line"
    )


def key_columns(history: History) -> list[str]:
    return [f"k{i}" for i in range(len(history.keys) or 1)]


def read(files: Sequence[str]) -> str:
    return f"read_parquet([{', '.join(literal(file) for file in files)}])"


def microseconds_sql(column: str, kind: str) -> str:
    """A time of any type in whole microseconds since 1970; what has no zone is UTC."""
    if kind.endswith("_NS"):
        return f"epoch_ns({identifier(column)}) // 1000"
    return f"epoch_us({identifier(column)}::TIMESTAMP)"


def bound_sql(column: str, sign: str, time: int, kind: str) -> str:
    """Compared with a value of its own type, DuckDB skips row groups by their statistics."""
    if kind in COMPARED:
        return f"{identifier(column)} {sign} make_timestamp({time}::BIGINT)::{kind}"
    return f"{microseconds_sql(column, kind)} {sign} {time}"


def microseconds(time: datetime) -> int:
    return (time - EPOCH) // TICK
