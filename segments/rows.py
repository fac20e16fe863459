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
        asked = count(db, "keys")
        rows = joined(db, sources_sql(sources, names, [[part], beside]))
        if rows.num_rows < asked:
            asked -= rejected(db, profile)
        if rows.num_rows < asked:
            rows = joined(db, sources_sql(sources, names, [[part], profile.parts()]))
        return rows, asked - rows.num_rows


def joined(db: duckdb.DuckDBPyConnection, relation: str) -> pa.Table:
    """Bounded by the part's times, so that DuckDB passes over the other row groups."""
    ends = "(SELECT min(event_timestamp) FROM keys) AND (SELECT max(event_timestamp) FROM keys)"
    return db.sql(
        f"SELECT * FROM ({relation}) WHERE event_timestamp BETWEEN {ends}"
        " ORDER BY event_timestamp, customer_id"
    ).to_arrow_table()


def rejected(db: duckdb.DuckDBPyConnection, table: Table) -> int:
    """How many of the keys lie in quarantine."""
    keys = "SELECT customer_id, timezone('UTC', event_timestamp) AS event_timestamp FROM keys"
    quarantined = keys_sql(table.rejected())
    return count(db, f"(({keys}) SEMI JOIN ({quarantined}) q USING (customer_id, event_timestamp))")


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


def count(db: duckdb.DuckDBPyConnection, relation: str) -> int:
    ((found,),) = db.execute(f"SELECT count(*) FROM {relation}").fetchall()
    return int(found)
