"""Load the newest rows into the online store."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import duckdb

from features.connection import connect, current, open_store
from features.tables import TTL, Table
from lifecycle.errors import UsageError
from lifecycle.home import Home
from lifecycle.sql import literal


@dataclass(frozen=True, kw_only=True)
class MaterializeReport:
    """What went to the online store.

    Attributes:
        start, end: moments in between, both inclusive; older ones would be stale.
        rows: view → customers loaded.
    """

    start: datetime
    end: datetime
    rows: Mapping[str, int]
    seconds: float

    def lines(self) -> list[str]:
        """What a person reads."""
        loaded = ", ".join(f"{view} {rows:,}" for view, rows in self.rows.items())
        return [f"online store: customers loaded into {loaded} ({self.seconds:.1f} s)"]


def materialize(home: Home, end: datetime) -> MaterializeReport:
    """Load each customer's newest row by `end` into the online store.

    Rows older than `TTL` before `end` would be stale there and are left out.

    Raises:
        UsageError: a later time was materialized before: SQLite would take the older values.
    """
    began = time.perf_counter()
    built = current(home)
    # Its own store: the cached one would show readers of this process what is not committed.
    store = connect(home)
    end = end.astimezone(UTC)
    refuse_older(home, end)
    start = end - TTL
    # Before the load: one that is cut short may have written as much as one that ends.
    remember(home, end)
    # Feast prints; what a command prints is its report.
    with redirect_stdout(StringIO()):
        store.materialize(start_date=start, end_date=end)
    open_store(home).refresh_registry()
    return MaterializeReport(
        start=start,
        end=end,
        rows={table.view: customers_between(table, start, end) for table in built},
        seconds=time.perf_counter() - began,
    )


def refuse_older(home: Home, end: datetime) -> None:
    """By our own last load: Feast's intervals say what was asked for, and not what was there.

    `feast materialize-incremental` of today leaves one until today, on data of any age.
    """
    path = record(home)
    newest = datetime.fromisoformat(path.read_text(encoding="utf-8")) if path.exists() else end
    if newest > end:
        raise UsageError(
            f"The online store was materialized until {newest:%Y-%m-%d %H:%M:%S} UTC.",
            found=f"Asked for {end:%Y-%m-%d %H:%M:%S}: older values would replace newer ones.",
            do="Name that time or a later one.",
        )


def remember(home: Home, end: datetime) -> None:
    unfinished = record(home).with_suffix(".unfinished")
    unfinished.write_text(end.isoformat(), encoding="utf-8")
    unfinished.replace(record(home))


def record(home: Home) -> Path:
    """Holds the time until which we last loaded; lies beside the online store."""
    return home.feast / "materialized_until.txt"


def customers_between(table: Table, start: datetime, end: datetime) -> int:
    files = ", ".join(literal(str(part)) for part in table.parts())
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        found = db.execute(
            f"SELECT count(DISTINCT customer_id) FROM read_parquet([{files}])"
            " WHERE event_timestamp BETWEEN ? AND ?",
            [start, end],
        ).fetchone()
    return int(found[0]) if found else 0
