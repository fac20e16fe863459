"""The newest row of each customer out of Parquet parts, of what was not loaded yet.

DuckDB joins the views by customer and hands over batches in the order of the store's keys; what
does not fit in memory it puts aside on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from features.online_port import Batch, Layout, Micros, Rows, Span
from lifecycle.errors import DataError
from lifecycle.sql import identifier, literal

BATCH = 20_000
MEMORY = "1GB"
EMPTY = Span(first=0, last=-1, begin=0, end=-1)
TYPES = {"number": "DOUBLE", "category": "VARCHAR"}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A view's parts and what is loaded of them.

    Attributes:
        parts: name of the part as it is recorded → its file.
        known: what is recorded.
    """

    layout: Layout
    parts: Mapping[str, Path]
    known: Mapping[str, Span]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to load of one view: for each group of files, rows between two moments.

    Attributes:
        rows: files and conditions, as SQL.
        parts: to be recorded once all of it is loaded.
    """

    layout: Layout
    rows: Sequence[str]
    parts: Mapping[str, Span]


def part_name(path: Path) -> str:
    """Names a part and its content: a part that is written anew is another."""
    facts = path.stat()
    return f"{path.name} {facts.st_size} {facts.st_mtime_ns}"


def rewritten(parts: Iterable[str], known: Iterable[str]) -> bool:
    """Whether one of the parts is recorded with other content: rows may have left it."""
    files = {name.rsplit(" ", 2)[0]: name for name in known}
    return any(files.get(name.rsplit(" ", 2)[0], name) != name for name in parts)


def open_database(scratch: Path) -> duckdb.DuckDBPyConnection:
    scratch.mkdir(parents=True, exist_ok=True)
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    db.execute(f"SET memory_limit = '{MEMORY}'")
    db.execute(f"SET temp_directory = {literal(str(scratch))}")
    return db


def wanted_of(db: duckdb.DuckDBPyConnection, source: Source, begin: Micros, end: Micros) -> Wanted:
    """What the store lacks of a view's moments between two times, inclusive."""
    new = {name: path for name, path in source.parts.items() if name not in source.known}
    spans = {name: source.known.get(name, EMPTY) for name in source.parts} | spans_of(db, new)
    lacking = [name for name, span in spans.items() if span.lacks(begin, end)]
    groups: dict[tuple[Micros, Micros], list[str]] = {}
    for name in lacking:
        groups.setdefault((spans[name].begin, spans[name].end), []).append(
            literal(str(source.parts[name]))
        )
    rows = [
        f"SELECT * FROM read_parquet([{', '.join(files)}], union_by_name = true)"
        f" WHERE epoch_us(event_timestamp) BETWEEN {begin} AND {end}"
        f" AND NOT epoch_us(event_timestamp) BETWEEN {least} AND {most}"
        for (least, most), files in groups.items()
    ]
    after = {name: grown(span, begin, end) for name, span in spans.items()}
    return Wanted(layout=source.layout, rows=rows, parts=after)


def spans_of(db: duckdb.DuckDBPyConnection, parts: Mapping[str, Path]) -> dict[str, Span]:
    """First and last moment of parts of which nothing is loaded."""
    if not parts:
        return {}
    files = ", ".join(literal(str(path)) for path in parts.values())
    found = db.execute(
        "SELECT filename, epoch_us(min(event_timestamp)), epoch_us(max(event_timestamp))"
        f" FROM read_parquet([{files}], filename = true, union_by_name = true) GROUP BY filename"
    ).fetchall()
    names = {str(path): name for name, path in parts.items()}
    return dict.fromkeys(parts, EMPTY) | {
        names[file]: Span(first=first, last=last, begin=0, end=-1) for file, first, last in found
    }


def grown(span: Span, begin: Micros, end: Micros) -> Span:
    """The span once rows between two moments are loaded too; of a gap, only those."""
    if span.begin <= span.end and begin <= span.end + 1 and span.begin <= end + 1:
        begin, end = min(begin, span.begin), max(end, span.end)
    return Span(first=span.first, last=span.last, begin=begin, end=end)


def batches(db: duckdb.DuckDBPyConnection, wanted: Sequence[Wanted]) -> Iterator[Batch]:
    """All that is wanted, customer by customer, each with all views."""
    some = [one for one in wanted if one.rows]
    if not some:
        return
    found = db.sql(newest_sql(some)).to_arrow_reader(BATCH)
    for part in found:
        if part.num_rows:
            yield batch_of(some, part)


def newest_sql(wanted: Sequence[Wanted]) -> str:
    views = [f"({view_sql(place, one)})" for place, one in enumerate(wanted)]
    joined = f"{views[0]} v0" + "".join(
        f" FULL JOIN {view} v{place} USING (customer_id)"
        for place, view in enumerate(views)
        if place
    )
    # Feast's key holds the length before the name.
    return f"SELECT * FROM {joined} ORDER BY strlen(customer_id), customer_id"


def view_sql(place: int, one: Wanted) -> str:
    key = identifier(one.layout.join_key)
    columns = ", ".join(
        f"{identifier(name)}::{sql_type(one.layout, name, kind)} AS {identifier(f'{place} {name}')}"
        for name, kind in one.layout.fields
    )
    return (
        f'SELECT {key}::VARCHAR AS customer_id, epoch_us(event_timestamp) AS "{place} at",'
        f' epoch_us(created_at) AS "{place} made", {columns}'
        f" FROM ({' UNION ALL BY NAME '.join(one.rows)}) QUALIFY row_number() OVER"
        f" (PARTITION BY {key} ORDER BY event_timestamp DESC, created_at DESC) = 1"
    )


def sql_type(layout: Layout, name: str, kind: str) -> str:
    if kind not in TYPES:
        raise DataError(
            f"The feature {name!r} of {layout.view} cannot be loaded.",
            found="It is neither a number nor a category.",
            do="Declare it as Float64 or String.",
        )
    return TYPES[kind]


def batch_of(wanted: Sequence[Wanted], part: pa.RecordBatch) -> Batch:
    return Batch(
        customer_ids=part.column("customer_id"),
        views=tuple(
            Rows(
                layout=one.layout,
                columns=[part.column(f"{place} {name}") for name, _ in one.layout.fields],
                times=part.column(f"{place} at"),
                created=part.column(f"{place} made"),
            )
            for place, one in enumerate(wanted)
        ),
    )
