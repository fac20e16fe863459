"""Which moments are due and not built, without a look at history.

A training moment that is not built lies behind the watermark of the last build, or belongs to a
customer whose sign-up that build did not know. So only such moments are held against what is
built, and only against parts that cover their times. The first build of a definition, which
remembers none before it, holds all moments against all parts.

`customers` is read whole, one row a customer; no event is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from features.moments import onboarding_sql, sign_ups_sql, timestamp, training_sql
from features.record import Build, remembered
from features.spans import meeting, micros, spans, time_of
from features.tables import Table, keys_sql
from lifecycle.dataset import DataSet
from lifecycle.event_store import (
    CUSTOMER_COLUMNS,
    EVENT_COLUMNS,
    EventStore,
    Snapshot,
    view_sql,
)
from lifecycle.home import Home
from lifecycle.lock import held
from lifecycle.sqlite import PATIENCE_SECONDS


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a build is asked for, and the parts that it may read.

    Attributes:
        days: of the training moments, after sign-up.
        snapshot: whether everybody onboarding has a row at `as_of` too.
    """

    dataset: DataSet
    days: tuple[int, ...]
    as_of: datetime
    snapshot: bool
    parts: Snapshot

    @property
    def events(self) -> tuple[Path, ...]:
        return self.parts.events

    @property
    def customers(self) -> tuple[Path, ...]:
        return self.parts.customers


def asked(
    home: Home,
    days: Sequence[int],
    as_of: datetime,
    *,
    snapshot: bool,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Asked:
    """List what there is between two ingestions.

    An ingestion commits batch by batch. A moment built of half of them would stay so: a row that
    is built is never looked at again. Parts never change, so that a list of them is enough, and
    the next ingestion may begin while the build goes on.

    Args:
        home: with an event store.
        days: of the training moments, after sign-up.
        as_of: nothing received later exists.
        snapshot: whether everybody onboarding has a row at `as_of` too.
        patience_seconds: how long to wait for an ingestion.

    Raises:
        Busy: an ingestion goes on for longer.
    """
    with held(home.ingest_lock, "An ingestion", patience_seconds=patience_seconds):
        parts = EventStore(home).snapshot()
    return Asked(
        dataset=home.dataset(),
        days=tuple(days),
        as_of=as_of.astimezone(UTC),
        snapshot=snapshot,
        parts=parts,
    )


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How many moments there are by the watermark; the moments are the view `wanted`."""

    watermark: datetime | None
    moments: int
    onboarding: int


def want(db: duckdb.DuckDBPyConnection, record: sqlite3.Connection, ask: Asked) -> Wanted:
    """Make the table `sign_ups` and the view `wanted`.

    `sign_ups` has n, customer_id, signed_up_at: customers are numbered by day of sign-up, then by
    id. `wanted` has n, event_timestamp, signed_up_at, each moment once: a snapshot that is a
    training moment is that moment.
    """
    until = watermark(db, record, ask)
    db.execute(f"""
CREATE TEMP TABLE sign_ups AS
SELECT (row_number() OVER (ORDER BY signed_up_at::DATE, customer_id) - 1)::INTEGER AS n, *
FROM ({sign_ups_sql(ask.dataset, ask.as_of)})""")
    queries = [training_sql("sign_ups", ask.days, bound(until), "n")]
    onboarding = 0
    if ask.snapshot:
        everybody = onboarding_sql("sign_ups", ask.days, ask.as_of, until)
        onboarding = count(db, f"({everybody})")
        ages = ", ".join(f"to_days({day})" for day in (*ask.days, -1))
        queries.append(
            f"SELECT * FROM ({everybody}) WHERE event_timestamp > {bound(until)}"
            f" OR event_timestamp - signed_up_at NOT IN ({ages})"
        )
    db.execute(f"CREATE TEMP VIEW wanted AS {' UNION ALL '.join(queries)}")
    return Wanted(watermark=until, moments=count(db, "wanted"), onboarding=onboarding)


def find_pending(
    db: duckdb.DuckDBPyConnection, record: sqlite3.Connection, ask: Asked, table: Table
) -> int:
    """Make the table `pending`, of the shape of `wanted`; returns its rows."""
    last = remembered(record, table, ask.days, ask.customers)
    chosen = "true"
    if last is not None:
        meet_newcomers(db, ask, last)
        chosen = (
            f"event_timestamp > {timestamp(last.watermark)}"
            f" OR event_timestamp IN ({snapshot_times(ask.as_of)})"
            " OR n IN (SELECT n FROM newcomers)"
        )
    db.execute(f"CREATE OR REPLACE TEMP TABLE pending AS SELECT * FROM wanted WHERE {chosen}")
    built = close_parts(db, record, table)
    if built:
        db.execute(
            "CREATE OR REPLACE TEMP TABLE pending AS SELECT * FROM pending ANTI JOIN ("
            f"SELECT n, event_timestamp FROM ({built}) JOIN sign_ups USING (customer_id)"
            ") USING (n, event_timestamp)"
        )
    return count(db, "pending")


def snapshot_times(as_of: datetime) -> str:
    return f"{timestamp(as_of)}, {timestamp(as_of)} - INTERVAL 1 MICROSECOND"


def meet_newcomers(db: duckdb.DuckDBPyConnection, ask: Asked, last: Build) -> None:
    """Make the table `newcomers` (n): whose sign-up the last build did not know, or knew otherwise.

    A sign-up is another one when an earlier-received row came in since. A later version of a
    profile makes no newcomer.
    """
    columns = ask.dataset.profile
    fresh = [path for path in ask.customers if path not in last.customers]
    known = [path for path in ask.customers if path in last.customers]
    db.execute(f"""
CREATE OR REPLACE TEMP TABLE suspects AS
SELECT DISTINCT customer_id FROM ({view_sql(fresh, CUSTOMER_COLUMNS, columns)})
UNION SELECT customer_id FROM customers WHERE received_at > {timestamp(last.as_of)}""")
    before = sign_ups_sql(
        ask.dataset,
        last.as_of,
        f"(SELECT * FROM ({view_sql(known, CUSTOMER_COLUMNS, columns)})"
        " SEMI JOIN suspects USING (customer_id))",
    )
    db.execute(f"""
CREATE OR REPLACE TEMP TABLE newcomers AS
SELECT n FROM sign_ups SEMI JOIN suspects USING (customer_id)
  ANTI JOIN ({before}) USING (customer_id, signed_up_at)""")


def close_parts(db: duckdb.DuckDBPyConnection, record: sqlite3.Connection, table: Table) -> str:
    """SELECT the keys of built rows that may be among the pending; empty where there are none."""
    [(low, high)] = db.execute(
        "SELECT min(event_timestamp), max(event_timestamp) FROM pending"
    ).fetchall()
    if low is None:
        return ""
    low, high = low.replace(tzinfo=UTC), high.replace(tzinfo=UTC)
    parts = (*table.parts(), *table.rejected())
    close = sorted(meeting(spans(record, parts, "event_timestamp"), low, high))
    if not close:
        return ""
    return keys_sql(close, f"event_timestamp BETWEEN '{low}' AND '{high}'")


def watermark(
    db: duckdb.DuckDBPyConnection, record: sqlite3.Connection, ask: Asked
) -> datetime | None:
    """When the newest row received by `as_of` was received, mostly out of the parts' statistics."""
    now, newest, unsure = micros(ask.as_of), None, []
    both = (
        (ask.events, EVENT_COLUMNS, ask.dataset.properties),
        (ask.customers, CUSTOMER_COLUMNS, ask.dataset.profile),
    )
    for parts, fixed, columns in both:
        for span in spans(record, parts, "received_at"):
            if span.last is not None and span.last <= now:
                newest = max(newest or span.last, span.last)
            elif span.first is None or span.first <= now:
                unsure.append(view_sql([span.path], fixed, columns))
    for view in unsure:
        [(found,)] = db.execute(
            f"SELECT max(received_at) FROM ({view}) WHERE received_at <= {timestamp(ask.as_of)}"
        ).fetchall()
        if found is not None:
            newest = max(newest or micros(found), micros(found))
    return None if newest is None else time_of(newest)


def bound(until: datetime | None) -> str:
    return "NULL::TIMESTAMP" if until is None else timestamp(until)


def count(db: duckdb.DuckDBPyConnection, relation: str) -> int:
    found = db.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(found[0]) if found else 0
