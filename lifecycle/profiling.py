"""Profiles by DuckDB: one pass over rows on the disk, which are never held in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from lifecycle.profile import Counts, Part, Profile, Shape
from lifecycle.sql import identifier, literal

MEMORY = "768MiB"  # what DuckDB may hold; its results and Python's own come on top


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a feature's definition says its values can be; None: no bound."""

    at_least: float | None = None
    at_most: float | None = None


FREE = Bounds()


def profile(  # where, what, and three things that are nothing by default
    db: duckdb.DuckDBPyConnection,
    relation: str,
    shapes: Sequence[Shape],
    *,
    bounds: Mapping[str, Bounds] | None = None,
    only: Mapping[str, str] | None = None,
    day: str = "-1",
) -> Profile:
    """Count every column of a relation in one pass.

    Args:
        db: a connection that knows the relation.
        relation: its name.
        shapes: what to count, and where; columns that the relation lacks are left out.
        bounds: column → what lies outside is counted.
        only: column → condition; other rows are not counted in it.
        day: expression of the days after sign-up, which keep rows apart.
    """
    types = columns(db, relation)
    there = [shape for shape in shapes if shape.name in types]
    asked = [
        expression
        for shape in there
        for expression in aggregates(
            shape, types[shape.name], (bounds or {}).get(shape.name, FREE),
            (only or {}).get(shape.name, ""),
        )
    ]  # fmt: skip
    sql = f"SELECT {', '.join([day, 'count(*)', *asked])} FROM {relation} GROUP BY 1 ORDER BY 1"
    parts = {
        int(row[0]): Part(rows=float(row[1]), columns=dict(counted(there, row[2:])))
        for row in db.execute(sql).fetchall()
    }
    return Profile(shapes=tuple(shapes), parts=parts)


def columns(db: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Column → type."""
    return {row[0]: row[1] for row in db.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}


WIDTH = 6  # expressions a column


def aggregates(shape: Shape, type_: str, bounds: Bounds, only: str) -> Iterator[str]:
    """Rows, values, their places, the least, the most, and those outside the bounds."""
    keep = f" FILTER (WHERE {only})" if only else ""
    name = identifier(shape.name)
    yield f"count(*){keep}"
    if shape.kind == "category":
        yield f"count({name}){keep}"
        yield f"{places_of(shape, name)}{keep}" if shape.words else "NULL"
        yield from ("NULL", "NULL", "0")
        return
    number = name if type_ in ("DOUBLE", "FLOAT") else f"try_cast({name} AS DOUBLE)"
    value = f"CASE WHEN isfinite({number}) THEN {number} END"
    yield f"count({value}){keep}"
    yield f"{places_of(shape, value)}{keep}" if shape.edges else "NULL"
    yield f"min({value}){keep}"
    yield f"max({value}){keep}"
    yield outside(value, bounds, only)


def places_of(shape: Shape, value: str) -> str:
    """DuckDB's histogram: a map of places to rows; what is in no place is under another key."""
    if shape.kind == "number":
        # with an exponent: a literal without one is a decimal, and another double in the end
        return f"histogram({value}, [{', '.join(f'{edge:.17e}' for edge in shape.edges)}])"
    # the key of what matches no word is the empty text, which may be a word
    words = ", ".join(literal(f"={word}") for word in shape.words)
    return f"histogram_exact('=' || {value}::VARCHAR, [{words}])"


def outside(value: str, bounds: Bounds, only: str) -> str:
    sides = [
        f"{value} {sign} {limit:.17e}"
        for sign, limit in (("<", bounds.at_least), (">", bounds.at_most))
        if limit is not None
    ]
    if not sides:
        return "0"
    return f"count(*) FILTER (WHERE ({' OR '.join(sides)}) AND {only or 'true'})"


def counted(shapes: Sequence[Shape], row: Sequence[Any]) -> Iterator[tuple[str, Counts]]:
    """One row of the answer, column by column."""
    for n, shape in enumerate(shapes):
        rows, present, places, least, most, beyond = row[n * WIDTH : (n + 1) * WIDTH]
        found = places or {}
        if shape.kind == "number":
            known = [found.get(edge, 0) for edge in shape.edges]
        else:
            known = [found.get(f"={word}", 0) for word in shape.words]
        at = np.asarray([*known, present - sum(known)], dtype=np.float64)
        yield (
            shape.name,
            Counts(
                at=at, missing=float(rows - present), least=least, most=most,
                outside=float(beyond),
            ),
        )  # fmt: skip
