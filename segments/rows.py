"""The built features that segments are told from: rows of behaviour joined with their profiles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from features.bounded import bounded_db
from features.tables import Table, keys_sql
from lifecycle.sql import identifier
from segments.population import parquet

# The part's times, so that DuckDB passes over the other row groups.
WITHIN = (
    "event_timestamp BETWEEN (SELECT min(event_timestamp) FROM keys)"
    " AND (SELECT max(event_timestamp) FROM keys)"
)
SQL_TYPES = {"number": "DOUBLE", "category": "VARCHAR"}


def read_part(sources: Sequence[Table], names: Sequence[str], part: Path) -> tuple[pa.Table, int]:
    """The rows of one part of behaviour, by time and customer, and how many still wait.

    The profiles of a part mostly lie in a part of the same name; after a build that was killed
    between the two tables they may lie in others. A quarantined profile is not waited for: that
    moment has no features to go by.

    Args:
        sources: the tables of behaviour and of profiles.
        names: features to read.
        part: of the table of behaviour.
    """
    profile = sources[1]
    beside = [path for path in profile.parts() if path.name == part.name]
    with bounded_db(profile.folder) as db:
        db.execute(
            f"CREATE TEMP TABLE keys AS SELECT customer_id, event_timestamp FROM {parquet([part])}"
        )
        rows = joined(db, sources_sql(sources, names, [[part], beside]))
        if lacking(db, (*beside, *profile.rejected())) == 0:
            return rows, 0
        rows = joined(db, sources_sql(sources, names, [[part], profile.parts()]))
        return rows, lacking(db, (*profile.parts(), *profile.rejected()))


def joined(db: duckdb.DuckDBPyConnection, relation: str) -> pa.Table:
    return db.sql(
        f"SELECT * FROM ({relation}) WHERE {WITHIN} ORDER BY event_timestamp, customer_id"
    ).to_arrow_table()


def lacking(db: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> int:
    """How many of the keys lie in none of the parts; one that lies in two is not counted twice."""
    asked = "SELECT customer_id, timezone('UTC', event_timestamp) AS event_timestamp FROM keys"
    ((found,),) = db.execute(
        f"SELECT count(*) FROM (({asked}) EXCEPT ({keys_sql(paths, WITHIN)}))"
    ).fetchall()
    return int(found)


def sources_sql(
    sources: Sequence[Table], names: Sequence[str], parts: Sequence[Sequence[Path]]
) -> str:
    """SELECT the keys and some features, from parts of both tables; a moment needs a row in each.

    Args:
        sources: the tables of behaviour and of profiles.
        names: features, each of one of the two.
        parts: of each table, those to read.
    """
    first, second = (
        read_sql(table, names, files) for table, files in zip(sources, parts, strict=True)
    )
    chosen = "".join(f", {identifier(name)}" for name in names)
    return (
        f"SELECT customer_id, event_timestamp{chosen} FROM ({first})"
        f" JOIN ({second}) USING (customer_id, event_timestamp)"
    )


def read_sql(table: Table, names: Sequence[str], parts: Sequence[Path]) -> str:
    """SELECT the keys and those of the features that the table has."""
    own = [feature for feature in table.features if feature.name in names]
    if parts:
        chosen = ["customer_id", "event_timestamp", *(identifier(one.name) for one in own)]
        return f"SELECT {', '.join(chosen)} FROM {parquet(parts)}"
    nothing = [
        "NULL::VARCHAR AS customer_id",
        "NULL::TIMESTAMPTZ AS event_timestamp",
        *(f"NULL::{SQL_TYPES[one.type]} AS {identifier(one.name)}" for one in own),
    ]
    return f"SELECT {', '.join(nothing)} WHERE false"
