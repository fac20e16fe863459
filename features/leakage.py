"""A proof by experiment that no feature looks ahead.

The features of a sample of moments are computed twice: from what was known at each moment and
nothing else, and from everything, with more planted right behind each moment: every event one
microsecond to one hour later, every event that happened before but was received after, and a
later version of every profile. A feature that differs has peeked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.moments import ONBOARDING_DAYS, due_sql
from features.tables import Table, tables
from lifecycle.dataset import Column, DataSet
from lifecycle.event_store import SQL_TYPES, EventStore
from lifecycle.home import Home
from lifecycle.sql import identifier, literals

# Microseconds behind the moment: the closest that time allows, and what a wrong "<" would let in.
BEHIND = (1, 1_000, 1_000_000, 3_600_000_000)

PLANTED = {"number": "1e6", "category": "'planted'", "boolean": "true"}


@dataclass(frozen=True)
class World:
    """Relations as the features' SQL reads them; one moment a customer."""

    moments: pa.Table
    events: pa.Table
    customers: pa.Table


@dataclass(frozen=True)
class Leak:
    """A feature that knew more than it could."""

    feature: str
    rows: int
    customer_id: str
    honest: object
    peeked: object


def find_leaks(home: Home, *, as_of: datetime, customers: int = 200) -> tuple[Leak, ...]:
    """Look for features of the home's catalogue that look ahead; finds none when all is well."""
    dataset = home.dataset()
    world = sample(home, dataset, as_of, customers)
    return tuple(leak for table in tables(home, dataset) for leak in leaks(world, table, dataset))


def sample(home: Home, dataset: DataSet, as_of: datetime, customers: int) -> World:
    """A stable sample: the same home gives the same customers and moments."""
    due = due_sql(dataset, range(ONBOARDING_DAYS + 1), as_of)
    with EventStore(home).connect(dataset) as db:
        db.execute(f"""
CREATE TEMP TABLE moments AS
SELECT row_number() OVER (ORDER BY customer_id) - 1 AS k, customer_id, event_timestamp AS moment,
  signed_up_at
FROM ({due})
QUALIFY row_number() OVER (
  PARTITION BY customer_id ORDER BY md5(customer_id || event_timestamp)) = 1
ORDER BY md5(customer_id) LIMIT {int(customers)}""")
        touched = "WHERE customer_id IN (SELECT customer_id FROM moments)"
        return World(
            db.sql("SELECT * FROM moments ORDER BY k").to_arrow_table(),
            db.sql(f"SELECT * FROM events {touched}").to_arrow_table(),
            db.sql(f"SELECT * FROM customers {touched}").to_arrow_table(),
        )


def leaks(world: World, table: Table, dataset: DataSet) -> tuple[Leak, ...]:
    """The features of one table that differ between a past without and with its future."""
    honest = compute(without_future(world), table)
    peeked = compute(with_future(world, dataset), table)
    found = []
    for feature in table.features:
        one, other = honest[feature.name], peeked[feature.name]
        differ = pc.fill_null(
            pc.or_(pc.not_equal(one, other), pc.xor(pc.is_null(one), pc.is_null(other))),
            True,
        )
        differ = pc.and_(differ, pc.invert(pc.and_(pc.is_null(one), pc.is_null(other))))
        rows = int(pc.sum(differ).as_py() or 0)
        if rows:
            first = pc.index(differ, True).as_py()
            found.append(
                Leak(
                    feature.name, rows, honest["customer_id"][first].as_py(),
                    one[first].as_py(), other[first].as_py(),
                )
            )  # fmt: skip
    return tuple(found)


def without_future(world: World) -> World:
    """Only what was known at each customer's moment."""
    with relations(world) as db:
        return World(
            world.moments,
            db.sql(
                "SELECT e.* FROM events e JOIN moments m USING (customer_id)"
                " WHERE e.occurred_at <= m.moment AND e.received_at <= m.moment"
            ).to_arrow_table(),
            db.sql(
                "SELECT c.* FROM customers c JOIN moments m USING (customer_id)"
                " WHERE c.received_at <= m.moment"
            ).to_arrow_table(),
        )


def with_future(world: World, dataset: DataSet) -> World:
    """Everything, and more planted behind each moment."""
    offsets = ", ".join(str(offset) for offset in BEHIND)
    vocabulary = literals(dataset.vocabulary.events)
    with relations(world) as db:
        return World(
            world.moments,
            db.sql(f"""
SELECT * FROM events
UNION ALL BY NAME
SELECT 'planted ' || row_number() OVER () AS event_id, m.customer_id, event,
  m.moment + to_microseconds(CASE WHEN late THEN -ago ELSE ago END) AS occurred_at,
  m.moment + to_microseconds(CASE WHEN late THEN 1 ELSE ago END) AS received_at
  {planted(dataset.properties)}
FROM moments m, unnest([{vocabulary}]) AS v(event), unnest([{offsets}]) AS o(ago),
  unnest([true, false]) AS l(late)""").to_arrow_table(),
            db.sql(f"""
SELECT * FROM customers
UNION ALL BY NAME
SELECT customer_id, signed_up_at, moment + to_microseconds(1) AS received_at
  {planted(dataset.profile)}
FROM moments""").to_arrow_table(),
        )


def planted(columns: dict[str, Column]) -> str:
    return "".join(
        f", {PLANTED[column.type]}::{SQL_TYPES[column.type]} AS {identifier(name)}"
        for name, column in columns.items()
    )


def compute(world: World, table: Table) -> pa.Table:
    with relations(world) as db:
        return db.sql(table.sql).to_arrow_table()


def relations(world: World) -> duckdb.DuckDBPyConnection:
    """A connection with the three relations that the features' SQL reads."""
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    for name in ("moments", "events", "customers"):
        db.register(name, getattr(world, name))
    return db
