"""Where rows come from: files below a folder, and the answer of a database query.

Both end as files that DuckDB reads. A query's answer is spooled to Parquet first, so that
memory stays bounded by a chunk and the answer has bytes to know it by.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

import pyarrow.parquet as pq

from ingestion.mapping import FileFormat, SourceTable
from lifecycle.errors import DataError, UsageError

Form = Literal["csv", "parquet"]

PARQUET = (".parquet", ".pq")
HASH_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Found:
    """One source that can be read.

    Attributes:
        name: below the --from folder, with forward slashes; or what the query covered.
        columns: its header, in order.
    """

    name: str
    path: Path
    form: Form
    columns: tuple[str, ...]
    fingerprint: str
    size: int


def find_files(table: SourceTable, key: str, folder: Path | None) -> Iterator[tuple[str, Path]]:
    """Name and path of every file that a table reads, by name.

    Raises:
        UsageError: the table reads files and no folder was given, or there is none such.
    """
    if not table.files:
        return
    if folder is None:
        raise UsageError(
            f"[{key}] reads files {', '.join(table.files)}.", do="Name their folder with --from."
        )
    if not folder.exists():
        raise UsageError(f"No folder {folder}.", do="Name an existing one with --from.")
    root = folder if folder.is_dir() else folder.parent
    matches = {path for pattern in table.files for path in root.glob(pattern) if path.is_file()}
    if not folder.is_dir():
        matches &= {folder}
    yield from sorted((path.relative_to(root).as_posix(), path) for path in matches)


def fingerprint(key: str, path: Path) -> str:
    """Hash of the table that a file feeds and of the file's bytes."""
    digest = hashlib.blake2b(key.encode() + b"\0", digest_size=16)
    with path.open("rb") as file:
        while chunk := file.read(HASH_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def form_of(path: Path) -> Form:
    return "parquet" if path.suffix.lower() in PARQUET else "csv"


def header(path: Path, written: FileFormat) -> tuple[str, ...]:
    """Names of a file's columns.

    Raises:
        DataError: it has none, or two of the same name.
    """
    if form_of(path) == "parquet":
        names = tuple(pq.read_schema(path).names)
    else:
        names = csv_header(path, written)
    folded = [name.casefold() for name in names]
    twice = sorted({name for name in names if folded.count(name.casefold()) > 1})
    if not names or twice:
        raise DataError(
            f"{path.name} has no header that can be used.",
            found=f"Columns that come twice: {twice}." if twice else "The file is empty.",
            do="Give every column a name of its own; capital letters make no difference.",
        )
    return names


def csv_header(path: Path, written: FileFormat) -> tuple[str, ...]:
    # utf-8-sig drops the mark that spreadsheets put first.
    encoding = "utf-8-sig" if written.encoding == "utf-8" else written.encoding
    try:
        with open_text(path, encoding) as file:
            rows = csv.reader(file, delimiter=written.delimiter, quotechar=written.quote)
            return tuple(next(rows, []))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path.name} is not {written.encoding}.",
            found=f"{error}.",
            do='Say encoding = "latin-1" or "utf-16" in its table.',
        ) from error


def open_text(path: Path, encoding: str) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")


def batches(found: Sequence[Found], most_bytes: int) -> Iterator[tuple[Found, ...]]:
    """Group sources that share form and header, in order, up to a size; one at least."""
    batch: list[Found] = []
    for source in found:
        alike = not batch or (batch[0].form, batch[0].columns) == (source.form, source.columns)
        if batch and (not alike or sum(s.size for s in batch) + source.size > most_bytes):
            yield tuple(batch)
            batch = []
        batch.append(source)
    if batch:
        yield tuple(batch)
