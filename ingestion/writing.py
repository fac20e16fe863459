"""Write settled rows as Parquet parts: one file a batch and table, under a name that repeats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import duckdb

from ingestion.judging import REASON
from ingestion.mapping import Mapping
from ingestion.settling import new_customers_sql
from ingestion.sources import Found
from ingestion.staging import FILE, ROW
from lifecycle.event_store import CUSTOMER_COLUMNS, EVENT_COLUMNS, Part
from lifecycle.home import Home
from lifecycle.sql import identifier, literal

Holds = Literal["events", "customers", "quarantine"]


class PartWriter:
    """Writes the parts of one batch; nobody reads them before they are committed."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, home: Home, name: str) -> None:
        self.connection, self.home, self.name = connection, home, name

    def events(self, mapping: Mapping) -> Sequence[Part]:
        """Kept events in order of receipt, so that a reader of new ones skips the rest."""
        chosen = ", ".join(identifier(n) for n in (*EVENT_COLUMNS, *mapping.properties))
        return self.write(
            "events",
            f'SELECT {chosen} FROM settled WHERE "{REASON}" IS NULL',
            "received_at, occurred_at, event_id",
        )

    def customers(self, mapping: Mapping) -> Sequence[Part]:
        chosen = ", ".join(identifier(n) for n in (*CUSTOMER_COLUMNS, *mapping.profile))
        return self.write(
            "customers",
            f'SELECT {chosen} FROM settled WHERE "{REASON}" IS NULL',
            "received_at, customer_id",
        )

    def new_customers(self, mapping: Mapping) -> Sequence[Part]:
        return self.write("customers", new_customers_sql(mapping), "received_at, customer_id")

    def quarantine(
        self, key: str, batch: Sequence[Found], columns: frozenset[str]
    ) -> Sequence[Part]:
        """Refused rows: source, table, place, reason, and the row itself as JSON."""
        members = ", ".join(f"{identifier(n)} := raw.{identifier(n)}" for n in sorted(columns))
        return self.write(
            "quarantine",
            f"""
            WITH starts AS (
                SELECT filename AS "{FILE}", min(rowid) AS first FROM plain GROUP BY filename
            ), refused AS (
                SELECT "{FILE}", "{ROW}" - starts.first + 1 AS row, "{REASON}" AS reason,
                       to_json(struct_pack({members}))::VARCHAR AS content
                FROM settled JOIN raw USING ("{FILE}", "{ROW}") JOIN starts USING ("{FILE}")
                WHERE "{REASON}" IS NOT NULL
                UNION ALL
                SELECT "{FILE}", line, 'malformed line: ' || fault, to_json(text)::VARCHAR
                FROM malformed
            )
            SELECT names.name AS source, {literal(key)} AS "table", row, reason, content
            FROM refused JOIN ({named(batch)}) AS names ON refused."{FILE}" = names.path
            """,
            'source, "table", row, reason',
        )

    def write(self, holds: Holds, query: str, order: str) -> Sequence[Part]:
        """Write one file by rename; none where the query gives no rows."""
        folder: Path = getattr(self.home, holds)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.parquet"
        unfinished = path.with_suffix(".unfinished")
        [(rows,)] = self.connection.execute(
            f"COPY ({query} ORDER BY {order}) TO {literal(str(unfinished))}"
            " (FORMAT parquet, COMPRESSION zstd)"
        ).fetchall()
        if rows == 0:
            unfinished.unlink()
            return ()
        unfinished.replace(path)
        return (Part(path=path.relative_to(self.home.root).as_posix(), holds=holds, rows=rows),)


def named(batch: Sequence[Found]) -> str:
    """A table of the batch's paths and names."""
    rows = ", ".join(f"({literal(str(s.path))}, {literal(s.name)})" for s in batch)
    return f"SELECT * FROM (VALUES {rows}) AS t(path, name)"


def sweep(home: Home, committed: frozenset[Path]) -> None:
    """Remove files that a killed run left: the manifest never named them."""
    for folder in (home.events, home.customers, home.quarantine):
        for path in folder.glob("*") if folder.exists() else ():
            if path.suffix in (".parquet", ".unfinished") and path not in committed:
                path.unlink()
