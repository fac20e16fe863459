"""Where training reads features when Feast's offline store is a server: tables, of the same parts.

Nothing to do for the embedded store, which reads the Parquet parts themselves.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from feature_repo.configuration import on_postgres
from features.tables import Table, tables
from lifecycle.home import Home
from segments.table import stored


@dataclass(frozen=True, kw_only=True)
class WarehouseReport:
    """What went to PostgreSQL; nothing when training reads the parts themselves.

    Attributes:
        parts, rows: brought in by this call; rows that were there already are not counted.
        tables: table → rows that its parts brought, all calls together.
    """

    parts: int
    rows: int
    tables: Mapping[str, int]
    seconds: float

    def lines(self) -> list[str]:
        """What a person reads."""
        if not self.tables:
            return []
        return [f"PostgreSQL: {self.rows:,} rows in {self.parts} parts ({self.seconds:.1f} s)"]


def load(home: Home) -> WarehouseReport:
    """Bring the parts that PostgreSQL lacks into their tables. A second time changes nothing.

    Raises:
        NotReady: PostgreSQL does not answer, or a variable that names it is missing.
        Unsupported: a feature's name is longer than PostgreSQL's names.
        DataError: a value that PostgreSQL cannot hold.
    """
    if not on_postgres(home):
        return WarehouseReport(parts=0, rows=0, tables={}, seconds=0.0)
    from feature_repo import postgres  # noqa: PLC0415  its client comes with an extra

    began = time.perf_counter()
    wanted = (*tables(home, home.dataset()), *stored(home))
    with postgres.connected(home) as db:
        loaded = [rows for table in wanted for rows in postgres.load_table(db, table)]
        held = {postgres.name_of(table): postgres.rows_of(db, table) for table in wanted}
    return WarehouseReport(
        parts=len(loaded), rows=sum(loaded), tables=held, seconds=time.perf_counter() - began
    )


def drop_others(home: Home, keep: Sequence[Table]) -> tuple[str, ...]:
    """Drop the tables of definitions that are no longer wanted; returns their names."""
    if not on_postgres(home):
        return ()
    from feature_repo import postgres  # noqa: PLC0415  its client comes with an extra

    with postgres.connected(home) as db:
        return postgres.drop_others(db, keep)
