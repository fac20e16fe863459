"""Profiles of rows on the disk, in one pass: DuckDB streams batches, which are never all in memory.

A batch's column is sorted, and then the edges are looked up in it instead of the values in the
edges: three times quicker than DuckDB's own histogram, and the extremes come with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lifecycle.profile import Counts, Numbers, Part, Profile, Shape, added
from lifecycle.sql import identifier, literals

MEMORY = "512MiB"  # what DuckDB may hold; the batches and Python's own come on top
BATCH = 65_536  # rows; a column of it fits the processor's cache

Places = npt.NDArray[np.int64]


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
    conditions = list(dict.fromkeys((only or {}).values()))
    asked = [
        f"({day})::BIGINT",
        *(f"coalesce({condition}, false)" for condition in conditions),
        *(value_of(shape, types[shape.name]) for shape in there),
    ]
    tallies: dict[int, Tally] = {}
    stream = db.sql(f"SELECT {', '.join(asked)} FROM {relation}").to_arrow_reader(BATCH)
    for batch in stream:
        days = batch.column(0).to_numpy(zero_copy_only=False)
        kept = [batch.column(n + 1).to_numpy(zero_copy_only=False) for n in range(len(conditions))]
        for one in np.unique(days):
            rows = np.flatnonzero(days == one)
            tally = tallies.setdefault(int(one), Tally())
            tally.rows += len(rows)
            for n, shape in enumerate(there, 1 + len(conditions)):
                condition = (only or {}).get(shape.name)
                mine = rows[kept[conditions.index(condition)][rows]] if condition else rows
                limits = (bounds or {}).get(shape.name, FREE)
                tally.add(shape, count(shape, batch.column(n), mine, limits))
    parts = {one: tallies[one].part() for one in sorted(tallies)}
    return Profile(shapes=tuple(shapes), parts=parts)


@dataclass(kw_only=True)
class Tally:
    """What has been counted of one day so far."""

    rows: int = 0
    columns: dict[str, Counts] = field(default_factory=dict)

    def add(self, shape: Shape, found: Counts) -> None:
        known = self.columns.get(shape.name)
        several = [(found, 1.0)] if known is None else [(known, 1.0), (found, 1.0)]
        self.columns[shape.name] = added(several)

    def part(self) -> Part:
        return Part(rows=float(self.rows), columns=self.columns)


def columns(db: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Column → type."""
    return {row[0]: row[1] for row in db.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}


def value_of(shape: Shape, type_: str) -> str:
    """The column as float64, or as the place of its word, whatever the log holds.

    DuckDB looks a word up in an ENUM once a dictionary page and not once a row.
    """
    name = identifier(shape.name)
    if shape.kind == "category":
        missing, other = shape.places, len(shape.words)
        elsewhere = f"CASE WHEN {name} IS NULL THEN {missing} ELSE {other} END"
        if not shape.words:
            return elsewhere
        words = literals(shape.words)
        return f"coalesce(enum_code(try_cast({name}::VARCHAR AS ENUM({words}))), {elsewhere})"
    return name if type_ == "DOUBLE" else f"try_cast({name} AS DOUBLE)"


def count(shape: Shape, column: pa.Array, rows: Places, bounds: Bounds) -> Counts:
    """Some rows of a batch's column in counts."""
    values = column.to_numpy(zero_copy_only=False)
    mine = values if len(rows) == len(values) else values[rows]
    if shape.kind == "category":
        at = np.bincount(mine, minlength=shape.places + 1).astype(np.float64)
        return Counts(at=at[:-1], missing=float(at[-1]))
    return count_numbers(shape, mine, bounds)


def count_numbers(shape: Shape, values: Numbers, bounds: Bounds) -> Counts:
    """Numbers in counts; what is infinite or no number counts as missing."""
    ordered = np.sort(values)  # what is no number goes to the end
    first = np.searchsorted(ordered, -np.inf, side="right")
    ordered = ordered[first : np.searchsorted(ordered, np.inf)]
    below = np.searchsorted(ordered, shape.edges, side="right")
    at = np.diff(np.concatenate([[0], below, [len(ordered)]]))
    low = np.searchsorted(ordered, -np.inf if bounds.at_least is None else bounds.at_least)
    high = np.searchsorted(
        ordered, np.inf if bounds.at_most is None else bounds.at_most, side="right"
    )
    return Counts(
        at=at.astype(np.float64), missing=float(len(values) - len(ordered)),
        least=float(ordered[0]) if len(ordered) else None,
        most=float(ordered[-1]) if len(ordered) else None,
        outside=float(low + len(ordered) - high),
    )  # fmt: skip
