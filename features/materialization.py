"""Load the newest rows into the online store."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO

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
    for table in built:
        refuse_older(store.get_feature_view(table.view).materialization_intervals, table, end)
    start = end - TTL
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


def refuse_older(
    intervals: Sequence[tuple[datetime, datetime]], table: Table, end: datetime
) -> None:
    newest = max((until.astimezone(UTC) for _, until in intervals), default=end)
    if newest > end:
        raise UsageError(
            f"{table.view} was materialized until {newest:%Y-%m-%d %H:%M:%S} UTC.",
            found=f"Asked for {end:%Y-%m-%d %H:%M:%S}: older values would replace newer ones.",
            do="Name that time or a later one.",
        )


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
