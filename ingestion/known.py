"""Which event ids the event store holds, asked for a few at a time, of any number.

To look a few ids up in Parquet is to read all of them. So their hashes are held in memory, eight
bytes an event, part by part as parts are added; only what hits is looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from ingestion.mapping import Mapping
from lifecycle.event_store import EVENT_COLUMNS, EventStore, view_sql
from lifecycle.home import Home
from lifecycle.sql import literal


class KnownIds:
    """The ids of committed events, and when the newest of them was received.

    Args:
        home: with an event store, or without.
        mapping: of the data set.
        newest: whether the time is wanted; it costs a look at a column.
    """

    def __init__(self, home: Home, mapping: Mapping, *, newest: bool) -> None:
        self.store, self.mapping, self.newest = EventStore(home), mapping, newest
        self.db = duckdb.connect()
        self.db.execute(
            "SET TimeZone = 'UTC'; SET enable_progress_bar = false; SET threads = 1;"
            "CREATE TABLE ids (h UBIGINT)"
        )
        self._parts: frozenset[Path] = frozenset()
        self._newest: int | None = None

    def refresh(self) -> int | None:
        """Take in parts that are new; when anything was received last, µs, if that is wanted."""
        snapshot = self.store.snapshot()
        parts = frozenset((*snapshot.events, *snapshot.customers))
        fresh = parts - self._parts
        if not fresh:
            return self._newest
        events = [path for path in snapshot.events if path in fresh]
        if events:
            self.db.execute(f"INSERT INTO ids SELECT hash(event_id) FROM ({self._view(events)})")
        if self.newest:
            files = ", ".join(literal(str(path)) for path in fresh)
            [(newest,)] = self.db.execute(
                "SELECT epoch_us(max(received_at)) FROM"
                f" read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
            ).fetchall()
            self._newest = max(newest or 0, self._newest or 0) or None
        self._parts = parts
        return self._newest

    def among(self, event_ids: Sequence[str]) -> frozenset[str]:
        """Which of these ids are in the store, as of the last `refresh`."""
        suspects = self.db.execute(
            "SELECT event_id FROM (SELECT unnest($ids) AS event_id)"
            " WHERE hash(event_id) IN (SELECT h FROM ids)",
            {"ids": list(event_ids)},
        ).fetchall()
        if not suspects:
            return frozenset()
        parts = sorted(path for path in self._parts if path.parent == self.store.home.events)
        found = self.db.execute(
            f"SELECT DISTINCT event_id FROM ({self._view(parts)})"
            " WHERE event_id IN (SELECT unnest($ids))",
            {"ids": [event_id for (event_id,) in suspects]},
        ).fetchall()
        return frozenset(event_id for (event_id,) in found)

    def _view(self, parts: Sequence[Path]) -> str:
        return view_sql(parts, EVENT_COLUMNS, self.mapping.properties)
