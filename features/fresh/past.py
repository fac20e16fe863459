"""What is known of single customers: the event store's rows of them, and the journal's.

The store's rows of a customer are read once, by one look at all parts for all customers that are
asked for together, and kept; of parts that are added later only those are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from lifecycle.dataset import DataSet
from lifecycle.event_journal import Entry, EventJournal
from lifecycle.event_store import (
    CUSTOMER_COLUMNS,
    EVENT_COLUMNS,
    SQL_TYPES,
    EventStore,
    Snapshot,
    view_sql,
)
from lifecycle.home import Home
from lifecycle.sql import identifier

# Rows of the store that are held, about 200 bytes each; past them the customers are read anew.
MOST_EVENTS = 2_000_000

TABLES = ("events", "customers")
ARROW = {"DOUBLE": pa.float64(), "VARCHAR": pa.string(), "BOOLEAN": pa.bool_()}


class Past:
    """Rows of customers, in the tables `events` and `customers` of `db`.

    Args:
        db: also holds what was read of the store, as `past_events` and `past_customers`.
    """

    def __init__(
        self, home: Home, dataset: DataSet, db: duckdb.DuckDBPyConnection,
        most_events: int = MOST_EVENTS,
    ) -> None:  # fmt: skip
        self.store, self.journal, self.db = EventStore(home), EventJournal(home), db
        self.dataset, self.most_events = dataset, most_events
        self._known: set[str] = set()
        self._snapshot = Snapshot()
        nothing = Snapshot()
        for table in TABLES:
            rows = self._view(table, nothing)
            db.execute(f"CREATE TABLE {table} AS {rows}; CREATE TABLE past_{table} AS {rows}")
        db.execute("CREATE TABLE asked (customer_id VARCHAR)")

    def bring(self, customers: Iterable[str]) -> None:
        """Let `events` and `customers` hold all that is known of these customers, and no more."""
        names = sorted(set(customers))
        # The journal first: what leaves it meanwhile is in the store by then, and so in both.
        entries = self.journal.kept(names)
        self._catch_up()
        self._meet(names)
        self._ask(names)
        for table in TABLES:
            self.db.execute(
                f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM past_{table}"
                " SEMI JOIN asked USING (customer_id)"
            )
        if entries:
            self._insert(entries)

    def arrived(self, since: Snapshot) -> tuple[Snapshot, Sequence[str]]:
        """The parts there are now, and whose rows are in those that were not there before."""
        now = self.store.snapshot()
        fresh = newer(now, since)
        found: set[str] = set()
        for table in TABLES:
            rows = self.db.execute(
                f"SELECT DISTINCT customer_id FROM ({self._view(table, fresh)})"
            ).fetchall()
            found.update(name for (name,) in rows)
        return now, sorted(found)

    def _catch_up(self) -> None:
        """Read what was added to the store, of the customers who are known."""
        now = self.store.snapshot()
        gone = set(self._snapshot.events) - set(now.events)
        [(held,)] = self.db.execute("SELECT count(*) FROM past_events").fetchall()
        if gone or held > self.most_events:
            self._forget()
        fresh = newer(now, self._snapshot)
        if self._known and (fresh.events or fresh.customers):
            self._ask(sorted(self._known))
            self._read(fresh)
        self._snapshot = now

    def _meet(self, names: Sequence[str]) -> None:
        strangers = [name for name in names if name not in self._known]
        if strangers:
            self._ask(strangers)
            self._read(self._snapshot)
            self._known.update(strangers)

    def _read(self, parts: Snapshot) -> None:
        for table in TABLES:
            self.db.execute(
                f"INSERT INTO past_{table} SELECT * FROM ({self._view(table, parts)})"
                " WHERE customer_id IN (SELECT customer_id FROM asked)"
            )

    def _ask(self, names: Sequence[str]) -> None:
        self.db.execute("DELETE FROM asked")
        self.db.execute("INSERT INTO asked SELECT unnest($names)", {"names": list(names)})

    def _forget(self) -> None:
        self._known.clear()
        self._snapshot = Snapshot()
        self.db.execute("DELETE FROM past_events; DELETE FROM past_customers; CHECKPOINT")

    def _insert(self, entries: Sequence[Entry]) -> None:
        columns = ", ".join(
            f"{identifier(name)}::{SQL_TYPES[column.type]}"
            for name, column in self.dataset.properties.items()
        )
        self.db.register("journal", texts(entries, tuple(self.dataset.properties)))
        self.db.execute(
            "INSERT INTO events SELECT event_id, customer_id, event,"
            f" make_timestamp(occurred), make_timestamp(received){columns and ', '}{columns}"
            " FROM journal ANTI JOIN events USING (event_id)"
        )
        self.db.unregister("journal")

    def _view(self, table: str, parts: Snapshot) -> str:
        if table == "events":
            return view_sql(parts.events, EVENT_COLUMNS, self.dataset.properties)
        return view_sql(parts.customers, CUSTOMER_COLUMNS, self.dataset.profile)


def newer(now: Snapshot, then: Snapshot) -> Snapshot:
    def fresh(those: Sequence[Path], before: Sequence[Path]) -> tuple[Path, ...]:
        return tuple(path for path in those if path not in set(before))

    return Snapshot(
        events=fresh(now.events, then.events), customers=fresh(now.customers, then.customers)
    )


def texts(entries: Sequence[Entry], properties: Sequence[str]) -> pa.Table:
    """Kept events of the journal; properties as they stand there."""
    names = ("event_id", "customer_id", "event")
    columns = {
        "event_id": [entry.event_id for entry in entries],
        "customer_id": [entry.customer_id for entry in entries],
        "event": [entry.row["event"] for entry in entries],
        **{name: [entry.row.get(name) for entry in entries] for name in properties},
    }
    found = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    times = {
        "occurred": pa.array([entry.occurred for entry in entries], pa.int64()),
        "received": pa.array([entry.received for entry in entries], pa.int64()),
    }
    rest = {name: found[name] for name in properties}
    return pa.table({**{name: found[name] for name in names}, **times, **rest})
