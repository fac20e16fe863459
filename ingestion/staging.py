"""Read a batch of sources into DuckDB as they are, with the rows that no reader understands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from ingestion.mapping import DUCKDB_TYPES, FileFormat, Lookup, SourceTable
from ingestion.sources import Found, form_of, header
from lifecycle.errors import DataError, UnknownName
from lifecycle.sql import identifier, literal

FILE, ROW = "#file", "#row"
"""Columns that staging adds: the source's path, and a number that rises in reading order."""


def stage(
    connection: duckdb.DuckDBPyConnection,
    table: SourceTable,
    batch: Sequence[Found],
    folder: Path | None,
) -> frozenset[str]:
    """Make the tables `raw` (columns of the source and of lookups) and `malformed`.

    Returns:
        The names of raw's columns.

    Raises:
        DataError: a lookup's file is not unique by its key, or a column is named twice.
    """
    clear(connection)
    paths = [source.path for source in batch]
    reader = scan(paths, batch[0].columns, table)
    connection.execute(f"CREATE TEMP TABLE plain AS SELECT * FROM {reader}")
    keep_malformed(connection)
    names = set(batch[0].columns)
    joins, taken = [], []
    for number, lookup in enumerate(table.lookups):
        stage_lookup(connection, lookup, number, folder, frozenset(names))
        names |= set(lookup.take)
        same = " AND ".join(
            f"l{number}.{identifier(key)} = plain.{identifier(key)}::VARCHAR" for key in lookup.on
        )
        joins.append(f"LEFT JOIN lookup_{number} AS l{number} ON {same}")
        taken += [f"l{number}.{identifier(name)}" for name in lookup.take]
    chosen = ", ".join(
        [
            f"plain.rowid AS {identifier(ROW)}",
            f"plain.filename AS {identifier(FILE)}",
            *(f"plain.{identifier(name)}" for name in batch[0].columns),
            *taken,
        ]
    )
    connection.execute(f"CREATE TEMP VIEW raw AS SELECT {chosen} FROM plain {' '.join(joins)}")
    return frozenset(names)


def clear(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans;"
        "DROP VIEW IF EXISTS raw; DROP TABLE IF EXISTS judged; DROP TABLE IF EXISTS plain;"
        "DROP TABLE IF EXISTS malformed"
    )


def scan(paths: Sequence[Path], columns: Sequence[str], written: FileFormat) -> str:
    """SQL that reads the files with their column names; all of a text file is text."""
    listed = ", ".join(literal(str(path)) for path in paths)
    if form_of(paths[0]) == "parquet":
        return (
            f"read_parquet([{listed}], filename = true, union_by_name = true,"
            " hive_partitioning = false)"
        )
    names = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
    missing = ", ".join(literal(text) for text in written.missing)
    quote = literal(written.quote)
    return (
        f"read_csv([{listed}], auto_detect = false, header = true, columns = {{{names}}},"
        f" delim = {literal(written.delimiter)}, quote = {quote}, escape = {quote},"
        f" nullstr = [{missing}], encoding = {literal(written.encoding)}, filename = true,"
        " ignore_errors = true, store_rejects = true, rejects_limit = 0)"
    )


def keep_malformed(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep the lines that the CSV reader refused: file, line, text, and what is wrong."""
    if not connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE table_name = 'reject_errors'"
    ).fetchall():
        connection.execute(
            f"CREATE TEMP TABLE malformed AS SELECT ''::VARCHAR AS {identifier(FILE)},"
            " 0::BIGINT AS line, ''::VARCHAR AS text, ''::VARCHAR AS fault WHERE false"
        )
        return
    connection.execute(
        f"""
        CREATE TEMP TABLE malformed AS
        SELECT file_path AS {identifier(FILE)}, line::BIGINT AS line, any_value(csv_line) AS text,
               min(lower(error_type::VARCHAR)) AS fault
        FROM reject_errors JOIN reject_scans USING (scan_id, file_id)
        GROUP BY ALL
        """
    )


def stage_lookup(
    connection: duckdb.DuckDBPyConnection,
    lookup: Lookup,
    number: int,
    folder: Path | None,
    taken: frozenset[str],
) -> None:
    """Make the table `lookup_<number>`: its keys as text, then what is taken from it."""
    path = find_lookup(lookup, folder)
    there = header(path, lookup)
    for name in (*lookup.on, *lookup.take.values()):
        if name not in there:
            raise UnknownName(f"column of {path.name}", name, there)
    for name in lookup.on:
        if name not in taken:
            raise UnknownName(f"column to look up {path.name} by", name, taken)
    if twice := sorted(taken & set(lookup.take)):
        raise DataError(
            f"The lookup of {path.name} brings columns that are there already.",
            found=f"{', '.join(twice)}.",
            do="Take them under another name.",
        )
    chosen = ", ".join(
        [f"{identifier(key)}::VARCHAR AS {identifier(key)}" for key in lookup.on]
        + [
            f"{typed(identifier(old), lookup, old)} AS {identifier(new)}"
            for new, old in lookup.take.items()
        ]
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE lookup_{number} AS"
        f" SELECT {chosen} FROM {scan([path], there, lookup)}"
    )
    refuse_ambiguous(connection, lookup, number)


def typed(sql: str, written: FileFormat, name: str) -> str:
    kind = written.types.get(name)
    return f"TRY_CAST({sql} AS {DUCKDB_TYPES[kind]})" if kind else sql


def find_lookup(lookup: Lookup, folder: Path | None) -> Path:
    root = folder if folder is None or folder.is_dir() else folder.parent
    if root is None or not (root / lookup.file).is_file():
        raise DataError(
            f"No file {lookup.file} to look up.",
            found=f"--from is {folder}.",
            do="Put it below the --from folder.",
        )
    return root / lookup.file


def refuse_ambiguous(connection: duckdb.DuckDBPyConnection, lookup: Lookup, number: int) -> None:
    """A key that comes twice would make two rows of one."""
    keys = ", ".join(identifier(key) for key in lookup.on)
    some = " AND ".join(f"{identifier(key)} IS NOT NULL" for key in lookup.on)
    again = connection.execute(
        f"SELECT {keys}, count(*) FROM lookup_{number} WHERE {some}"
        f" GROUP BY {keys} HAVING count(*) > 1 ORDER BY {keys} LIMIT 1"
    ).fetchall()
    if again:
        *key, times = again[0]
        raise DataError(
            f"{lookup.file} cannot be looked up by {', '.join(lookup.on)}.",
            found=f"{key} comes {times} times.",
            do="Look it up by columns that name one row.",
        )
