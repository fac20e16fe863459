"""The event store: two canonical tables in Parquet parts that a manifest commits.

A part is in the store when the manifest says so, in one transaction with the count of the
rows that were read. A process killed before that leaves files nobody reads, and the next run
writes the same names again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import duckdb

from lifecycle.dataset import Column, DataSet
from lifecycle.errors import NotReady
from lifecycle.home import Home
from lifecycle.sql import identifier, literal
from lifecycle.sqlite import transaction

Table = Literal["events", "customers"]

EVENT_COLUMNS = ("event_id", "customer_id", "event", "occurred_at", "received_at")
CUSTOMER_COLUMNS = ("customer_id", "signed_up_at", "received_at")

SQL_TYPES = {"number": "DOUBLE", "category": "VARCHAR", "boolean": "BOOLEAN"}

SCHEMA = """
CREATE TABLE IF NOT EXISTS sources (
    fingerprint TEXT PRIMARY KEY,      -- of the table it feeds and the bytes of the source
    name TEXT NOT NULL,
    feeds TEXT NOT NULL,
    rows_read INTEGER NOT NULL,
    rows_kept INTEGER NOT NULL,
    rows_quarantined INTEGER NOT NULL,
    reasons TEXT NOT NULL,             -- JSON: reason → rows
    committed_at TEXT NOT NULL,
    CHECK (rows_read = rows_kept + rows_quarantined)
);
CREATE TABLE IF NOT EXISTS parts (
    path TEXT PRIMARY KEY,             -- relative to the home
    holds TEXT NOT NULL,               -- events, customers or quarantine
    rows INTEGER NOT NULL
);
"""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One source file or query, read whole: every row is kept or quarantined."""

    fingerprint: str
    name: str
    feeds: Table
    rows_read: int
    rows_kept: int
    rows_quarantined: int
    reasons: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """One Parquet file below the home."""

    path: str
    holds: Literal["events", "customers", "quarantine"]
    rows: int


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The parts of both tables at one time: of each commit everything or nothing."""

    events: tuple[Path, ...] = ()
    customers: tuple[Path, ...] = ()


class EventStore:
    """Reads committed parts; commits new ones."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def commit(self, sources: Sequence[Source], parts: Sequence[Part]) -> None:
        """Make `parts` readable and `sources` known, or neither."""
        now = datetime.now(UTC).isoformat()
        with transaction(self.home.manifest, SCHEMA) as db:
            db.executemany(
                "INSERT INTO sources VALUES (?,?,?,?,?,?,?,?)",
                [
                    (s.fingerprint, s.name, s.feeds, s.rows_read, s.rows_kept,
                     s.rows_quarantined, s.reasons, now)
                    for s in sources
                ],
            )  # fmt: skip
            db.executemany(
                "INSERT INTO parts VALUES (?,?,?)", [(p.path, p.holds, p.rows) for p in parts]
            )

    def sources(self) -> tuple[Source, ...]:
        """Every source that was ever committed, oldest first."""
        if not self.home.manifest.exists():
            return ()
        with transaction(self.home.manifest, SCHEMA) as db:
            rows = db.execute(
                "SELECT fingerprint, name, feeds, rows_read, rows_kept, rows_quarantined, reasons"
                " FROM sources ORDER BY rowid"
            ).fetchall()
        return tuple(Source(**dict(row)) for row in rows)

    def parts(self, holds: str) -> tuple[Path, ...]:
        """Paths of the committed parts of one table."""
        if not self.home.manifest.exists():
            return ()
        with transaction(self.home.manifest, SCHEMA) as db:
            rows = db.execute(
                "SELECT path FROM parts WHERE holds = ? ORDER BY path", (holds,)
            ).fetchall()
        return tuple(self.home.root / row["path"] for row in rows)

    def snapshot(self) -> Snapshot:
        """Both tables' committed parts, listed at once."""
        if not self.home.manifest.exists():
            return Snapshot()
        with transaction(self.home.manifest, SCHEMA) as db:
            rows = db.execute("SELECT holds, path FROM parts ORDER BY path").fetchall()
        both: dict[str, list[Path]] = {"events": [], "customers": []}
        for row in rows:
            both.setdefault(row["holds"], []).append(self.home.root / row["path"])
        return Snapshot(events=tuple(both["events"]), customers=tuple(both["customers"]))

    def connect(
        self,
        dataset: DataSet,
        only: Sequence[Table] = ("events", "customers"),
        snapshot: Snapshot | None = None,
    ) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection with the views `events` and `customers`, or one of them.

        Times in the views are naive UTC timestamps in microseconds, so that arithmetic on them
        needs no time zone. On disk they carry their zone. A table without rows is an empty view
        of the right shape. To make a view opens every part of its table.

        Args:
            dataset: whose columns the views have.
            only: the views to make.
            snapshot: the parts they read; default: what is committed now.
        """
        parts = snapshot or self.snapshot()
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        for table in only:
            events = table == "events"
            fixed = EVENT_COLUMNS if events else CUSTOMER_COLUMNS
            columns = dataset.properties if events else dataset.profile
            files = parts.events if events else parts.customers
            connection.execute(f"CREATE VIEW {table} AS {view_sql(files, fixed, columns)}")
        return connection

    def newest(self, dataset: DataSet) -> datetime:
        """When we last received anything.

        Raises:
            NotReady: the store is empty.
        """
        with self.connect(dataset) as connection:
            found = connection.execute(
                "SELECT max(received_at) FROM ("
                "SELECT received_at FROM events UNION ALL SELECT received_at FROM customers)"
            ).fetchone()
        if found is None or found[0] is None:
            raise NotReady(
                f"The event store of {self.home.root} is empty.", do="Run `onramp ingest` first."
            )
        newest: datetime = found[0]
        return newest.replace(tzinfo=UTC)

    def as_of(self, dataset: DataSet) -> datetime:
        """Now, on the data set's own clock."""
        return datetime.now(UTC) if dataset.clock == "wall" else self.newest(dataset)


def view_sql(
    parts: Sequence[Path], fixed: Sequence[str], columns: dict[str, Column], where: str = "true"
) -> str:
    """SELECT over the committed parts, or over nothing, with the same columns either way.

    A column that the data set declares and that no part holds yet is missing in every row.

    Args:
        parts: files of one table.
        fixed: its canonical columns.
        columns: what the data set declares beside them.
        where: on the columns as they are on disk, so that statistics skip row groups.
    """
    kinds = {name: "TIMESTAMPTZ" if name.endswith("_at") else "VARCHAR" for name in fixed}
    kinds |= {name: SQL_TYPES[column.type] for name, column in columns.items()}
    nothing = ", ".join(f"NULL::{kind} AS {identifier(name)}" for name, kind in kinds.items())
    rows = f"SELECT {nothing} WHERE false"
    if parts:
        files = ", ".join(literal(str(part)) for part in parts)
        rows += (
            f" UNION ALL BY NAME SELECT * FROM read_parquet([{files}], union_by_name = true,"
            f" hive_partitioning = false) WHERE {where}"
        )
    chosen = ", ".join(
        f"timezone('UTC', {identifier(name)}) AS {identifier(name)}"
        if kind == "TIMESTAMPTZ"
        else f"{identifier(name)}::{kind} AS {identifier(name)}"
        for name, kind in kinds.items()
    )
    return f"SELECT {chosen} FROM ({rows})"
