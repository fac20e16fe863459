"""The event store held against its rules, as it lies there now.

Ingestion holds every batch to the same rules before it commits it, so a finding here means that
the rules became stricter since, or that files changed under the manifest. Rows of the store are
never moved: an event does not carry the source it came from, and moving it would break what the
manifest holds for every source, rows read = rows kept + rows quarantined.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa

from features.findings import Finding, judged
from features.schema import Schema, broken, customers_schema, events_schema
from features.tables import TTL
from lifecycle.dataset import DataSet
from lifecycle.event_store import EventStore, Table
from lifecycle.home import Home
from lifecycle.sql import literal

BATCH = 200_000
MEMORY = "2GiB"
REASONS = 3
INGEST_ANEW = (
    "Mend the data set's TOML file or its source; to judge the rows anew, ingest into a new home."
)

SIGNED_UP_TWICE = """
SELECT customer_id FROM customers GROUP BY customer_id HAVING count(DISTINCT signed_up_at) > 1"""
TWO_PROFILES = """
SELECT customer_id FROM customers GROUP BY customer_id, received_at HAVING count(*) > 1"""
DOUBLED_IDS = "SELECT event_id FROM events GROUP BY event_id HAVING count(*) > 1"


def store_findings(home: Home, dataset: DataSet, as_of: datetime) -> Iterator[Finding]:
    """Rules, keys, accounts and freshness of both tables; memory does not grow with the rows."""
    store = EventStore(home)
    with tempfile.TemporaryDirectory() as spill, store.connect(dataset) as db:
        db.execute(f"SET memory_limit = '{MEMORY}'; SET temp_directory = {literal(spill)}")
        yield rules(db, "customers", customers_schema(dataset))
        yield unique(db, "customers", "a customer signs up once", SIGNED_UP_TWICE)
        yield unique(db, "customers", "a customer has one profile at a time", TWO_PROFILES)
        yield rules(db, "events", events_schema(dataset))
        yield unique(db, "events", "event_id names one event", DOUBLED_IDS)
        yield accounts(db, store)
        yield freshness(db, as_of)


def rules(db: duckdb.DuckDBPyConnection, table: Table, schema: Schema) -> Finding:
    """Every row on its own, batch by batch."""
    rows, reasons = 0, Counter[str]()
    for batch in db.sql(f"SELECT * FROM {table}").to_arrow_reader(BATCH):
        rows += batch.num_rows
        reasons.update(broken(pa.Table.from_batches([batch]), schema).reasons.to_list())
    return judged(
        table, "types, bounds, times", rows, reasons.total(), found=first(reasons), do=INGEST_ANEW
    )


def first(reasons: Counter[str]) -> str:
    """The commonest reasons and their rows."""
    told = [f"{reason.rstrip('; ')} ({n:,})" for reason, n in reasons.most_common(REASONS)]
    return "; ".join(told)


def unique(db: duckdb.DuckDBPyConnection, table: Table, claim: str, doubled: str) -> Finding:
    rows = number(db, f"SELECT count(*) FROM {table}")
    twice = number(db, f"SELECT count(*) FROM ({doubled})")
    found = f"{twice:,} do not"
    return judged(table, claim, rows, twice, found=found, do=INGEST_ANEW)


def accounts(db: duckdb.DuckDBPyConnection, store: EventStore) -> Finding:
    """As many events lie there as the manifest says were kept."""
    rows = number(db, "SELECT count(*) FROM events")
    kept = sum(source.rows_kept for source in store.sources() if source.feeds == "events")
    return judged(
        "events", "every event that was kept is there", kept, abs(kept - rows),
        found=f"{kept:,} were kept, {rows:,} are there",
        do="Files changed under the manifest: bring the events folder back, or ingest anew.",
    )  # fmt: skip


def freshness(db: duckdb.DuckDBPyConnection, as_of: datetime) -> Finding:
    """The newest row was received less than the time to live before `as_of`."""
    [(newest,)] = db.execute(
        "SELECT max(received_at) FROM (SELECT received_at FROM events UNION ALL"
        " SELECT received_at FROM customers) WHERE received_at <= $as_of",
        {"as_of": as_of.astimezone(UTC).replace(tzinfo=None)},
    ).fetchall()
    received = newest.replace(tzinfo=UTC) if newest else None
    return fresh(
        "events", f"something was received within {TTL.days} days", received, as_of,
        "Look at the delivery, then run `onramp ingest`.",
    )  # fmt: skip


def fresh(stage: str, check: str, newest: datetime | None, as_of: datetime, do: str) -> Finding:
    age = timedelta.max if newest is None else as_of - newest
    found = (
        "nothing"
        if newest is None
        else f"newest {newest:%Y-%m-%d %H:%M}, asked {as_of:%Y-%m-%d %H:%M} UTC"
    )
    return judged(stage, check, int(newest is not None), int(age > TTL), found=found, do=do)


def number(db: duckdb.DuckDBPyConnection, sql: str) -> int:
    [(found,)] = db.execute(sql).fetchall()
    return int(found)
