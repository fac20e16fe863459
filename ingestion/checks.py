"""What must hold of every canonical row, asserted on the parts before they are committed.

Rows that break a rule of the data are in quarantine by now. A finding here is a fault of ours,
and nothing of the batch enters the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb

from ingestion.mapping import Mapping
from lifecycle.dataset import Column
from lifecycle.errors import DataError
from lifecycle.event_store import CUSTOMER_COLUMNS, EVENT_COLUMNS, Part, view_sql
from lifecycle.home import Home
from lifecycle.sql import identifier, literals


def event_claims(mapping: Mapping) -> Iterator[tuple[str, str]]:
    """(claim, condition that breaks it)."""
    for name in EVENT_COLUMNS:
        yield f"{name} is there", f"{name} IS NULL"
    yield "event is in the vocabulary", f"event NOT IN ({literals(mapping.vocabulary.events)})"
    yield "nothing is received before it happened", "occurred_at > received_at"
    yield (
        "event_id names one event",
        (
            "event_id IN (SELECT event_id FROM known_events)"
            " OR event_id IN (SELECT event_id FROM part GROUP BY 1 HAVING count(*) > 1)"
        ),
    )
    yield from bound_claims(mapping.properties)


def customer_claims(mapping: Mapping) -> Iterator[tuple[str, str]]:
    for name in CUSTOMER_COLUMNS:
        yield f"{name} is there", f"{name} IS NULL"
    yield (
        "a customer has one profile at a time",
        (
            "(customer_id, received_at) IN (SELECT (customer_id, received_at) FROM part"
            " GROUP BY customer_id, received_at HAVING count(*) > 1)"
        ),
    )
    yield (
        "a customer signs up once",
        (
            "customer_id IN (SELECT customer_id FROM (SELECT customer_id, signed_up_at FROM part"
            " UNION SELECT customer_id, signed_up_at FROM known_customers"
            " WHERE customer_id IN (SELECT customer_id FROM part)) GROUP BY 1 HAVING count(*) > 1)"
        ),
    )
    yield from bound_claims(mapping.profile)


def bound_claims(declared: dict[str, Column]) -> Iterator[tuple[str, str]]:
    for name, column in declared.items():
        if column.type != "number":
            continue
        yield f"{name} is finite", f"NOT isfinite({identifier(name)})"
        if column.at_least is not None:
            yield f"{name} >= {column.at_least:g}", f"{identifier(name)} < {column.at_least!r}"
        if column.at_most is not None:
            yield f"{name} <= {column.at_most:g}", f"{identifier(name)} > {column.at_most!r}"


def check(
    connection: duckdb.DuckDBPyConnection, home: Home, mapping: Mapping, parts: Sequence[Part]
) -> None:
    """Assert every claim on the new parts.

    Raises:
        DataError: one does not hold.
    """
    for part in parts:
        if part.holds == "quarantine":
            continue
        events = part.holds == "events"
        fixed, columns, claims = (
            (EVENT_COLUMNS, mapping.properties, event_claims(mapping))
            if events
            else (CUSTOMER_COLUMNS, mapping.profile, customer_claims(mapping))
        )
        view = view_sql([home.root / part.path], fixed, columns)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW part AS {view}")
        refuse_broken(connection, part, tuple(claims))


def refuse_broken(
    connection: duckdb.DuckDBPyConnection, part: Part, claims: Sequence[tuple[str, str]]
) -> None:
    counts = ", ".join(f"count(*) FILTER ({condition})" for _, condition in claims)
    [found] = connection.execute(f"SELECT {counts} FROM part").fetchall()
    broken = [f"{claim}: {n} rows" for (claim, _), n in zip(claims, found, strict=True) if n]
    if broken:
        raise DataError(
            f"{part.holds} of {part.path} break what every row must keep.",
            found=f"{'; '.join(broken)}.",
            do="Nothing of this batch was stored. Please report this with the data set's file.",
        )
