"""What the built rows hold of each feature: a few numbers a feature, never the rows.

DuckDB reads the parts twice: once for ranges and quantiles (t-digests, right to about a
thousandth of the rows), once for the bins between them. Memory does not grow with the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import duckdb
import numpy as np
from sparklines import sparklines

from features.bounded import bounded_db
from features.feature import Feature
from features.tables import Table
from lifecycle.sql import identifier, literal

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS = 16
TOP = 8


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """One feature over all built rows of its view.

    Attributes:
        rows: built rows, one a customer and moment.
        missing: rows without a value.
        least, most, mean: of a number; None of a category, or where every value is missing.
        quantiles: of a number, at `QUANTILES`.
        edges: where the bins of a number end, inclusive. They are equally wide up to the 0.99
            quantile; what lies above is in the last one.
        bins: rows in each bin.
        distinct: how many values a category has.
        top: a category's commonest values and their rows.
    """

    rows: int
    missing: int
    least: float | None = None
    most: float | None = None
    mean: float | None = None
    quantiles: tuple[float, ...] = ()
    edges: tuple[float, ...] = ()
    bins: tuple[int, ...] = ()
    distinct: int | None = None
    top: tuple[tuple[str, int], ...] = ()

    @property
    def share_missing(self) -> float:
        return self.missing / self.rows if self.rows else 0.0

    @property
    def bars(self) -> tuple[int, ...]:
        """Rows a bin, or rows a common value."""
        return self.bins or tuple(rows for _, rows in self.top)

    @property
    def sparkline(self) -> str:
        """The bars in one line of text; empty where every value is missing."""
        return str(sparklines(self.bars, minimum=0)[0]) if self.bars else ""


@dataclass(frozen=True, kw_only=True)
class Extent:
    """The built rows of a view as a whole; `customers` is counted to about two percent."""

    rows: int
    customers: int
    first: datetime
    last: datetime


def extent(table: Table) -> Extent | None:
    """How many rows, and of when; None where nothing is built."""
    if not table.parts():
        return None
    with reading(table) as db:
        rows, customers, first, last = one(
            db,
            "SELECT count(*), approx_count_distinct(customer_id),"
            " min(event_timestamp), max(event_timestamp) FROM built",
        )
    if rows == 0:
        return None
    return Extent(
        rows=rows,
        customers=min(customers, rows),
        first=first.replace(tzinfo=UTC),
        last=last.replace(tzinfo=UTC),
    )


def statistics(table: Table, features: Sequence[Feature]) -> Mapping[str, Statistics]:
    """Statistics of some features of a view, by name; empty where nothing is built."""
    if not table.parts():
        return {}
    numbers = [feature.name for feature in features if feature.type == "number"]
    categories = [feature.name for feature in features if feature.type == "category"]
    with reading(table) as db:
        found = of_numbers(db, numbers) if numbers else {}
        found |= {name: of_category(db, name) for name in categories}
    return {feature.name: found[feature.name] for feature in features}


@contextmanager
def reading(table: Table) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the view `built` over the parts of a table, times in naive UTC."""
    files = ", ".join(literal(str(path)) for path in table.parts())
    with bounded_db(table.folder) as db:
        db.execute(
            "CREATE VIEW built AS SELECT * REPLACE (timezone('UTC', event_timestamp) AS"
            f" event_timestamp) FROM read_parquet([{files}], hive_partitioning = false)"
        )
        yield db


@dataclass(frozen=True)
class Range:
    """A number's values, before they are binned."""

    count: int
    least: float | None
    most: float | None
    mean: float | None
    whole: bool | None
    quantiles: list[float] | None


def of_numbers(db: duckdb.DuckDBPyConnection, names: Sequence[str]) -> dict[str, Statistics]:
    facts = ", ".join(
        f"count({x}), min({x}), max({x}), avg({x}), bool_and({x} = floor({x})),"
        f" approx_quantile({x}, {list(QUANTILES)})"
        for x in map(identifier, names)
    )
    rows, *values = one(db, f"SELECT count(*), {facts} FROM built")
    ranges = [Range(*group) for group in batched(values, len(fields(Range)))]
    edges = [edges_of(found) for found in ranges]
    counts = one(
        db,
        "SELECT "
        + ", ".join(
            f"histogram({identifier(name)}, {list(ends)}::DOUBLE[])"
            for name, ends in zip(names, edges, strict=True)
        )
        + " FROM built",
    )
    return {
        name: of_number(rows, found, ends, bins or {})
        for name, found, ends, bins in zip(names, ranges, edges, counts, strict=True)
    }


def batched(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def of_number(
    rows: int, found: Range, ends: Sequence[float], bins: Mapping[float, int]
) -> Statistics:
    return Statistics(
        rows=rows,
        missing=rows - found.count,
        least=found.least,
        most=found.most,
        mean=found.mean,
        quantiles=tuple(found.quantiles or ()),
        edges=tuple(ends),
        bins=tuple(bins.get(end, 0) for end in ends),
    )


def edges_of(found: Range) -> list[float]:
    """Where the bins end; whole numbers share a bin with as many others as any do."""
    if found.least is None or found.most is None or not found.quantiles:
        return []
    low, high = found.least, found.quantiles[-1]
    if found.whole:
        step = max(1.0, np.ceil((high - low + 1) / BINS))
        inner = [float(end) for end in np.arange(low + step - 1, high, step)]
    else:
        inner = [float(end) for end in np.linspace(low, high, BINS + 1)[1:-1]] if high > low else []
    return [end for end in dict.fromkeys(inner) if end < found.most] + [found.most]


def of_category(db: duckdb.DuckDBPyConnection, name: str) -> Statistics:
    value = identifier(name)
    counted = (
        f"SELECT {value} AS value, count(*) AS rows FROM built WHERE {value} IS NOT NULL GROUP BY 1"
    )
    rows, known = one(db, f"SELECT count(*), count({value}) FROM built")
    top = db.execute(
        f"SELECT value, rows, count(*) OVER () FROM ({counted}) ORDER BY rows DESC, value"
        f" LIMIT {TOP}"
    ).fetchall()
    return Statistics(
        rows=rows,
        missing=rows - known,
        distinct=top[0][2] if top else 0,
        top=tuple((value, rows) for value, rows, _ in top),
    )


def one(db: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    [found] = db.execute(sql).fetchall()
    return tuple(found)
