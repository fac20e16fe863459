"""The rows that a table's expressions read: their columns, and the types that come out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import duckdb

from ingestion.expressions import read_by, to_sql
from ingestion.mapping import DUCKDB_TYPES, Mapping, SourceTable
from ingestion.staging import ROW
from lifecycle.errors import DataError, UnknownName
from lifecycle.sql import identifier


@dataclass(frozen=True)
class Frame:
    """What the expressions of one table may read.

    Attributes:
        key: the table's place in the TOML file.
        source: one of the sources, for messages.
        columns: names in the view `raw`.
        types: expression → DuckDB type of what it gives.
    """

    key: str
    source: str
    columns: frozenset[str]
    types: dict[str, str] = field(default_factory=dict)

    def sql(self, expression: str) -> str:
        """SQL that gives NULL where an expression fails on a row's values."""
        return f"TRY({to_sql(expression, self.columns)})"


def understood(
    connection: duckdb.DuckDBPyConnection, mapping: Mapping, table: SourceTable, frame: Frame
) -> Frame:
    """The frame with the type of every expression, each checked against the columns there are.

    Raises:
        UnknownName: an expression reads a column that the source lacks.
        DataError: an expression is no SQL, or does not fit its columns' types.
    """
    for name in table.types:
        if name not in frame.columns:
            raise UnknownName(
                f"column of {frame.source} for {frame.key}.types", name, frame.columns
            )
    types = {
        expression: type_of(connection, table, frame, place, expression)
        for place, expression in expressions(mapping, frame.key, table)
    }
    return replace(frame, types=types)


def type_of(
    connection: duckdb.DuckDBPyConnection,
    table: SourceTable,
    frame: Frame,
    place: str,
    expression: str,
) -> str:
    """DuckDB's type of an expression."""
    check_columns(frame, place, expression)
    try:
        # The row's number stands beside it, so that an aggregate is refused.
        described = connection.execute(
            f"DESCRIBE SELECT {frame.sql(expression)}, {identifier(ROW)}"
            f" FROM ({typed_rows(table, frame)})"
        ).fetchall()
    except duckdb.Error as error:
        raise DataError(
            f"{frame.key}.{place} cannot be computed.",
            found=f"{expression!r}: {str(error).splitlines()[0]}",
            do="Mend the expression; docs/datasets.md has examples.",
        ) from error
    return str(described[0][1])


def expressions(mapping: Mapping, key: str, table: SourceTable) -> Iterator[tuple[str, str]]:
    yield from table.kept()
    yield from ((f"reject.{reason!r}", condition) for reason, condition in table.reject.items())
    first = mapping.customers_from_events
    if first is not None and key == f"events.{first.of}":
        yield from ((f"profile.{name}", text) for name, text in first.profile.items())


def check_columns(frame: Frame, place: str, expression: str) -> None:
    try:
        read = read_by(expression, frame.columns)
    except ValueError as error:
        raise DataError(
            f"{frame.key}.{place} cannot be used.",
            found=f"{error}.",
            do="docs/datasets.md has examples.",
        ) from error
    folded = {name.casefold() for name in frame.columns}
    for name in sorted(read):
        if name.casefold() not in folded:
            raise UnknownName(
                f"column of {frame.source} for {frame.key}.{place}", name, frame.columns
            )


def typed_rows(table: SourceTable, frame: Frame) -> str:
    """SELECT over raw with the declared types; a value that does not fit is NULL."""
    casts = ", ".join(
        f"TRY_CAST({identifier(name)} AS {DUCKDB_TYPES[kind]}) AS {identifier(name)}"
        for name, kind in table.types.items()
        if name in frame.columns
    )
    return f"SELECT * {f'REPLACE ({casts})' if casts else ''}{untyped(table)} FROM raw"


def untyped(table: SourceTable) -> str:
    """The columns with declared types once more, as they came."""
    return "".join(
        f", {identifier(name)}::VARCHAR AS {identifier('#raw ' + name)}" for name in table.types
    )
