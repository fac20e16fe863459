"""What the pending moments need, gathered in one pass and laid out chunk by chunk.

Customers are taken in order of their day of sign-up and cut into chunks of whole customers. One
pass over the event store, which opens only parts and row groups of the right times, keeps the
rows that some pending moment can see and writes them by chunk into a scratch folder; each chunk
is then computed from its own rows. So memory is bounded by a chunk, and a new day costs what its
own customers did.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import duckdb

from features.names import CHUNK_COLUMN
from features.pending import Asked
from features.spans import meeting, spans
from features.sql import SOURCES, reach_days
from features.tables import Table, scratch
from lifecycle.event_store import EVENT_COLUMNS, view_sql
from lifecycle.home import Home
from lifecycle.sql import identifier, literal, literals

# Moments computed at once: bounds memory, and what a kill can lose.
CHUNK = 200_000

# Of DuckDB's own buffers; Arrow holds a chunk's rows beside them.
MEMORY = "2GiB"

# A file of the scratch folder is open for each chunk: small row groups keep their buffers small.
ROW_GROUP = 20_000

LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)

PEOPLE = """
CREATE OR REPLACE TEMP TABLE people AS
SELECT n, customer_id, first, last, least(first, signed_up_at) AS since,
  ((sum(moments) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING) - moments) // {size})::INTEGER AS chunk
FROM (
  SELECT n, count(*) AS moments, min(event_timestamp) AS first, max(event_timestamp) AS last
  FROM pending GROUP BY n
) JOIN sign_ups USING (n);
CREATE OR REPLACE TEMP TABLE queue AS
SELECT chunk, n, event_timestamp AS moment, signed_up_at
FROM pending JOIN (SELECT n, chunk FROM people) USING (n) ORDER BY n, moment;
DROP TABLE pending"""


def bound_memory(db: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Let DuckDB spill to the scratch folder. The features' SQL says its own order."""
    clear_scratch(home)
    spill = literal(str(scratch(home) / "spill"))
    db.execute(
        f"SET memory_limit = '{MEMORY}'; SET temp_directory = {spill};"
        " SET preserve_insertion_order = false"
    )


def clear_scratch(home: Home) -> None:
    shutil.rmtree(scratch(home), ignore_errors=True)


def cut(db: duckdb.DuckDBPyConnection, size: int) -> list[int]:
    """Make `people` and `queue` of `pending`, in chunks of about `size` moments; returns those.

    `people` has a row for each customer with pending moments, the first and the last of them;
    `queue` has the moments in order.
    """
    db.execute(PEOPLE.format(size=int(size)))
    found = db.execute("SELECT DISTINCT chunk FROM people ORDER BY chunk").fetchall()
    return [chunk for (chunk,) in found]


@contextmanager
def gathered(
    db: duckdb.DuckDBPyConnection, home: Home, query: str, *, chunks: int
) -> Iterator[None]:
    """Run a query with a column CHUNK_COLUMN once, for `show` to read chunk by chunk.

    One chunk stays in DuckDB, more go to disk.
    """
    rest = "" if chunks == 1 else " LIMIT 0"
    db.execute(f"CREATE TEMP TABLE gathered AS {query}{rest}")
    if chunks > 1:
        scratch(home).mkdir(parents=True, exist_ok=True)
        db.execute(
            f"COPY ({query}) TO {literal(str(scratch(home) / 'chunks'))}"
            f" (FORMAT parquet, PARTITION_BY ({CHUNK_COLUMN}), ROW_GROUP_SIZE {ROW_GROUP})"
        )
    try:
        yield
    finally:
        db.execute("DROP TABLE gathered")
        shutil.rmtree(scratch(home) / "chunks", ignore_errors=True)


@contextmanager
def shown(db: duckdb.DuckDBPyConnection, home: Home, source: str, chunk: int) -> Iterator[None]:
    """Let the features' SQL see one chunk: `moments`, and its rows under the name of `source`.

    A customer is a number here: shorter to compare than an id.
    """
    folder = scratch(home) / "chunks" / f"{CHUNK_COLUMN}={chunk}"
    rows = f"(SELECT * EXCLUDE ({CHUNK_COLUMN}) FROM gathered)"
    if folder.exists():
        rows = f"read_parquet({literal(str(folder / '*.parquet'))}, hive_partitioning = false)"
    db.execute(f"""
CREATE TEMP VIEW {source} AS SELECT * FROM {rows};
CREATE TEMP TABLE moments AS
SELECT row_number() OVER () - 1 AS k, n AS customer_id, moment, signed_up_at
FROM queue WHERE chunk = {chunk}""")
    try:
        yield
    finally:
        db.execute(f"DROP VIEW temp.{source}; DROP TABLE moments")


def gather_sql(
    db: duckdb.DuckDBPyConnection, record: sqlite3.Connection, ask: Asked, table: Table
) -> str:
    """SELECT the rows that a pending moment of the table may see, each with its chunk."""
    if SOURCES[table.view] == "customers":
        return f"""
SELECT p.chunk AS {CHUNK_COLUMN}, p.n AS customer_id, c.* EXCLUDE (customer_id)
FROM customers c JOIN people p USING (customer_id) WHERE c.received_at <= p.last"""
    since = f"least(p.since, p.first - INTERVAL {reach_days(table.features)} DAY)"
    columns = ("event", "occurred_at", "received_at", *ask.dataset.properties)
    chosen = ", ".join(f"e.{identifier(name)}" for name in columns)
    return f"""
SELECT p.chunk AS {CHUNK_COLUMN}, p.n AS customer_id, {chosen}
FROM ({close_events(db, record, ask, since)}) e JOIN people p USING (customer_id)
WHERE e.occurred_at BETWEEN {since} AND p.last AND e.received_at <= p.last"""


def close_events(
    db: duckdb.DuckDBPyConnection, record: sqlite3.Connection, ask: Asked, since: str
) -> str:
    """SELECT the events that happened within the reach of any pending moment.

    Parts of other times are not opened; within a part, statistics skip row groups.
    """
    [(start, end)] = db.execute(f"SELECT min({since}), max(p.last) FROM people p").fetchall()
    start, end = start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
    parts = meeting(spans(record, ask.events, "occurred_at"), start, end)
    parts &= meeting(spans(record, ask.events, "received_at"), LONG_AGO, end)
    words = literals(ask.dataset.vocabulary.events)
    return view_sql(
        sorted(parts), EVENT_COLUMNS, ask.dataset.properties,
        f"occurred_at BETWEEN '{start}' AND '{end}' AND received_at <= '{end}'"
        f" AND event IN ({words})",
    )  # fmt: skip
