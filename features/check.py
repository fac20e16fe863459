"""Built rows held against the definitions: what breaks a bound goes to quarantine, with a reason.

A row that is wrong is set aside and counted. A table that is wrong (types, doubled keys, most
rows bad) stops the build: that is no bad row, that is a bad definition or a bad source.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from polars import CompatLevel

from features.schema import Broken, broken, view_schema
from features.tables import Table
from lifecycle.errors import DataError

MOST_REJECTED = 0.5
LEAST_ROWS = 20


@dataclass(frozen=True)
class Checked:
    """Rows within their bounds, and the others with a column `reason`."""

    kept: pa.Table
    rejected: pa.Table


def check(rows: pa.Table, table: Table) -> Checked:
    """Split rows by whether every feature is within its bounds.

    Raises:
        DataError: types or names differ from the definitions, a (customer, moment) occurs twice,
            or more than half of at least 20 rows break a bound.
    """
    refuse_wrong_schema(rows, table)
    found = broken(rows, view_schema(table.view, table.features))
    refuse_doubled_keys(rows, table, found.doubled)
    bad = len(found.rows)
    if rows.num_rows >= LEAST_ROWS and bad > MOST_REJECTED * rows.num_rows:
        raise DataError(
            f"Most rows of {table.view} break their bounds.",
            found=f"{bad} of {rows.num_rows}, first: {found.reasons[0]}.",
            do="Mend the bounds in the data set's TOML file, or the source of that column.",
        )
    return split(rows, found)


def split(rows: pa.Table, found: Broken) -> Checked:
    """Sound rows are those that were given, uncopied, where no row is broken."""
    bad = found.rows.to_numpy()
    reasons = found.reasons.to_arrow(compat_level=CompatLevel.oldest()).cast(pa.string())
    rejected = rows.take(pa.array(bad)).append_column("reason", reasons)
    if not len(bad):
        return Checked(rows, rejected)
    good = np.ones(rows.num_rows, dtype=np.bool_)
    good[bad] = False
    return Checked(rows.filter(pa.array(good)), rejected)


def refuse_wrong_schema(rows: pa.Table, table: Table) -> None:
    if rows.schema.equals(table.schema):
        return
    expected, found = set(table.schema), set(rows.schema)
    missing = ", ".join(sorted(f"{f.name} {f.type}" for f in expected - found)) or "nothing"
    surplus = ", ".join(sorted(f"{f.name} {f.type}" for f in found - expected)) or "nothing"
    raise DataError(
        f"{table.view} is not what its definitions say.",
        found=f"Missing: {missing}. Not expected: {surplus}.",
        do="Build again; if it stays, the definition's SQL is wrong.",
    )


def refuse_doubled_keys(rows: pa.Table, table: Table, doubled: int) -> None:
    if not doubled:
        return
    keys = rows.select(["customer_id", "event_timestamp"])
    distinct = keys.group_by(keys.column_names).aggregate([]).num_rows
    raise DataError(
        f"{table.view} holds a moment twice.",
        found=f"{rows.num_rows} rows, {distinct} different (customer, moment).",
        do="Each moment has one row: look for doubled moments in what was asked to be built.",
    )
