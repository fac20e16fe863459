"""Built rows held against the definitions: what breaks a bound goes to quarantine, with a reason.

A row that is wrong is set aside and counted. A table that is wrong (types, doubled keys, most
rows bad) stops the build: that is no bad row, that is a bad definition or a bad source.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from features.feature import Feature
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
    refuse_doubled_keys(rows, table)
    reasons = reasons_by_row(rows, table.features)
    bad = pc.not_equal(reasons, "")
    rejected = rows.append_column("reason", reasons).filter(bad)
    if rows.num_rows >= LEAST_ROWS and rejected.num_rows > MOST_REJECTED * rows.num_rows:
        raise DataError(
            f"Most rows of {table.view} break their bounds.",
            found=f"{rejected.num_rows} of {rows.num_rows}, first: {rejected['reason'][0]}.",
            do="Mend the bounds in the data set's TOML file, or the source of that column.",
        )
    return Checked(rows.filter(pc.invert(bad)), rejected)


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


def refuse_doubled_keys(rows: pa.Table, table: Table) -> None:
    keys = rows.select(["customer_id", "event_timestamp"])
    distinct = keys.group_by(keys.column_names).aggregate([]).num_rows
    if distinct != rows.num_rows:
        raise DataError(
            f"{table.view} holds a moment twice.",
            found=f"{rows.num_rows} rows, {distinct} different (customer, moment).",
            do="Each moment has one row: look for doubled moments in what was asked to be built.",
        )


def reasons_by_row(rows: pa.Table, features: tuple[Feature, ...]) -> pa.ChunkedArray:
    """One text a row: every bound that it breaks; empty when none."""
    reasons = pa.chunked_array([pa.array([""] * rows.num_rows, pa.string())])
    for feature in features:
        for broken, words in broken_bounds(rows, feature):
            if pc.any(broken).as_py():
                text = pc.if_else(broken, f"{feature.name} {words}; ", "")
                reasons = pc.binary_join_element_wise(reasons, text, "")
    return reasons


def broken_bounds(rows: pa.Table, feature: Feature) -> list[tuple[pa.ChunkedArray, str]]:
    if feature.type == "category":
        return []
    column = rows[feature.name]
    found = [(pc.invert(pc.is_finite(column)), "is not finite")]
    if feature.at_least is not None:
        found.append((pc.less(column, feature.at_least), f"below {feature.at_least:g}"))
    if feature.at_most is not None:
        found.append((pc.greater(column, feature.at_most), f"above {feature.at_most:g}"))
    return [(pc.fill_null(broken, False), words) for broken, words in found]
