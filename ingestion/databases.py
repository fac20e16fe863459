"""Read a query's answer in chunks, and spool it to Parquet. The URL is a secret: never shown."""

from __future__ import annotations

import decimal
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError

from ingestion.mapping import SourceTable
from ingestion.sources import Found, fingerprint
from lifecycle.errors import DataError, UsageError

CHUNK_ROWS = 50_000
PLAIN = (bool, int, float, str, datetime, date, type(None))

Mark = int | float | str | datetime


def spool(
    table: SourceTable, key: str, after: Mark | None, folder: Path, environ: Mapping[str, str]
) -> Found | None:
    """Run the table's query and write its answer below `folder`; None where it is empty.

    Raises:
        UsageError: the variable with the database's URL is not set.
        DataError: the database refused.
    """
    url = environ.get(table.url_env, "")
    if not url:
        raise UsageError(
            f"[{key}] reads a database.",
            found=f"The variable {table.url_env} is not set.",
            do=f"Set {table.url_env} to its SQLAlchemy URL.",
        )
    path = folder / f"{key}.parquet"
    rows = 0
    mark = after
    with Spool(path) as spooled:
        for names, chunk in chunks(table, key, url, after):
            rows += len(chunk)
            spooled.write(names, chunk)
            if table.resume:
                mark = largest(table, key, names, chunk, mark)
    if rows == 0:
        return None
    return Found(
        name=source_name(table, key, mark),
        path=path,
        form="parquet",
        columns=tuple(pq.read_schema(path).names),
        fingerprint=fingerprint(key, path),
        size=path.stat().st_size,
    )


def chunks(
    table: SourceTable, key: str, url: str, after: Mark | None
) -> Iterator[tuple[tuple[str, ...], Sequence[Sequence[Any]]]]:
    """Column names and the next rows, until there are none."""
    try:
        engine = sqlalchemy.create_engine(url, hide_parameters=True)
        with engine.connect().execution_options(stream_results=True) as connection:
            given = {"after": after} if table.resume else {}
            answer = connection.execute(sqlalchemy.text(table.sql), given)
            names = tuple(answer.keys())
            for chunk in answer.yield_per(CHUNK_ROWS).partitions(CHUNK_ROWS):
                yield names, chunk
        engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        # The chain would print the URL, and with it the password.
        raise DataError(
            f"The query of [{key}] failed.",
            found=f"{type(error).__name__}: {hidden(str(error), url)}",
            do=f"Look at its sql, and at the URL in {table.url_env}.",
        ) from None


def hidden(message: str, url: str) -> str:
    """The message's first line, without the URL or its password."""
    try:
        password = sqlalchemy.make_url(url).password
    except SQLAlchemyError:
        password = None
    for secret in filter(None, (url, password)):
        message = message.replace(secret, "***")
    return message.splitlines()[0] if message else ""


def largest(
    table: SourceTable, key: str, names: tuple[str, ...], chunk: Sequence[Sequence[Any]], mark: Any
) -> Any:
    """The largest value of the resume column so far."""
    if table.resume not in names:
        raise DataError(
            f"[{key}] resumes by {table.resume!r}.",
            found=f"The query gives {', '.join(names)}.",
            do="Add that column to the query, or name another in resume.",
        )
    place = names.index(table.resume)
    values = [row[place] for row in chunk if row[place] is not None]
    return max(values, default=mark)


def source_name(table: SourceTable, key: str, mark: Mark | None) -> str:
    """`sql events.orders` and, where the query resumes, how far it got."""
    if not table.resume:
        return f"sql {key}"
    return f"sql {key} up to {json.dumps(as_json(mark))}"


def as_json(mark: Any) -> Any:
    return {"time": mark.isoformat()} if isinstance(mark, datetime) else mark


def last_mark(table: SourceTable, key: str, names: Sequence[str]) -> Mark:
    """How far earlier runs got, from the names of the sources they stored."""
    start = f"sql {key} up to "
    for name in reversed(names):
        if name.startswith(start):
            mark = json.loads(name.removeprefix(start))
            if isinstance(mark, dict):
                return datetime.fromisoformat(mark["time"])
            return mark  # type: ignore[no-any-return]  # JSON that as_json wrote
    return table.resume_from


def plain(value: Any) -> Any:
    """A value that Arrow and DuckDB both know; anything else as text."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC)
    return value if isinstance(value, PLAIN) else str(value)


class Spool:
    """A Parquet file whose columns take the types of the first values seen.

    A later value of another type is written as text where the column is text, else refused.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer: pq.ParquetWriter | None = None
        self.schema: pa.Schema | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.writer is not None:
            self.writer.close()

    def write(self, names: tuple[str, ...], chunk: Sequence[Sequence[Any]]) -> None:
        columns = [[plain(row[place]) for row in chunk] for place in range(len(names))]
        if self.writer is None:
            arrays = [as_array(values) for values in columns]
            self.schema = pa.schema(
                [(n, pa.string() if pa.types.is_null(a.type) else a.type)
                 for n, a in zip(names, arrays, strict=True)]
            )  # fmt: skip
            self.writer = pq.ParquetWriter(self.path, self.schema)
        fields = [self.schema.field(name) for name in names] if self.schema else []
        arrays = [as_type(values, field) for values, field in zip(columns, fields, strict=True)]
        self.writer.write_table(pa.table(arrays, schema=self.schema))


def as_array(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in values])


def as_type(values: list[Any], field: pa.Field) -> pa.Array:
    """The values in the column's type.

    Raises:
        DataError: a value does not fit the type of the first ones.
    """
    if pa.types.is_string(field.type):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    try:
        return pa.array(values, field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"Column {field.name!r} of the query holds more than one type.",
            found=f"{error}; the first values were {field.type}.",
            do=f"CAST {field.name} to one type in the query.",
        ) from error


def environment() -> Mapping[str, str]:
    return os.environ
