"""A proof by experiment that no feature looks ahead.

The features of a sample of moments are computed twice: from what was known at each moment and
nothing else, and from everything, with more planted right behind each moment: every event one
microsecond to one hour later, every event that happened before but was received after, and a
later version of every profile. A feature that differs has peeked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.moments import ONBOARDING_DAYS, due_sql
from features.tables import Table, tables
from lifecycle.dataset import Column, DataSet
from lifecycle.errors import NotReady
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

    def __str__(self) -> str:
        return (
            f"{self.feature}: {self.rows} moments differ; of {self.customer_id}"
            f" {self.honest} without the future, {self.peeked} with it"
        )


@dataclass(frozen=True, kw_only=True)
class LeakReport:
    """What a planted future changed; empty when no feature looks ahead.

    Attributes:
        moments: how many were computed with and without a future, one a customer.
        features: how many were watched.
    """

    leaks: tuple[Leak, ...]
    moments: int
    features: int

    def __iter__(self) -> Iterator[Leak]:
        return iter(self.leaks)

    def __len__(self) -> int:
        return len(self.leaks)

    def lines(self) -> list[str]:
        """What a person reads."""
        watched = f"{self.features} features at {self.moments} moments with a planted future"
        if not self.leaks:
            return [f"No feature looks ahead ({watched})."]
        return [f"{len(self.leaks)} features look ahead ({watched}):", *map(str, self.leaks)]


def find_leaks(
    home: Home, *, as_of: datetime, customers: int = 200, views: Sequence[Table] | None = None
) -> LeakReport:
    """Look for features that look ahead; finds none when all is well.

    Args:
        home: whose events and customers.
        as_of: moments due by then.
        customers: how many, at one moment each.
        views: whose features; the home's catalogue when None.

    Raises:
        NotReady: no moment is due, so nothing could be told.
    """
    dataset = home.dataset()
    watched = tables(home, dataset) if views is None else views
    world = sample(home, dataset, as_of, customers)
    if world.moments.num_rows == 0:
        raise NotReady(
            "Whether a feature looks ahead cannot be told.",
            found=f"No moment is due in {home.root} by {as_of:%Y-%m-%d %H:%M} UTC.",
            do="Ingest customers, or name a later time.",
        )
    return LeakReport(
        leaks=tuple(leak for table in watched for leak in leaks(world, table, dataset)),
        moments=world.moments.num_rows,
        features=sum(len(table.features) for table in watched),
    )


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
