"""Files of the prediction log: each appears whole, and many become one without a row's loss."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.sql import literal

UNFINISHED = ".unfinished"
# What a killed writer left half written is nobody's after so long.
UNFINISHED_SECONDS = 3_600.0


def write_whole(folder: Path, stamp: str, table: pa.Table) -> Path:
    """The table as a file whose name begins with the stamp; a failure leaves nothing behind."""
    return appear(folder, stamp, lambda unfinished: pq.write_table(table, unfinished))


def gather(folder: Path, stamp: str, files: Sequence[Path]) -> Path:
    """Put the files into one. It appears before they go, so that a kill in between loses nothing.

    Raises:
        duckdb.IOException: one of the files is gone: somebody else gathers them.
    """
    sql = "SELECT * FROM log QUALIFY row_number() OVER (PARTITION BY receipt_id) = 1"

    def copy(unfinished: Path) -> None:
        with reader(files) as connection:
            connection.execute("SET threads = 1")  # a server answers meanwhile
            connection.execute(
                f"COPY ({sql} ORDER BY scored_at, receipt_id) TO {literal(str(unfinished))} "
                "(FORMAT parquet)"
            )

    whole = appear(folder, stamp, copy)
    for file in files:
        file.unlink(missing_ok=True)
    return whole


def appear(folder: Path, stamp: str, write: Callable[[Path], None]) -> Path:
    """Let a file appear by rename once its bytes are on the disk, power cut or not."""
    path = folder / f"{stamp}-{uuid.uuid4().hex[:8]}.parquet"
    unfinished = path.with_suffix(UNFINISHED)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        write(unfinished)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def sweep(root: Path) -> None:
    """Remove what writers that were killed left half written."""
    latest = time.time() - UNFINISHED_SECONDS
    for file in root.glob(f"task=*/*{UNFINISHED}"):
        if file.stat().st_mtime < latest:
            file.unlink(missing_ok=True)


@contextmanager
def reader(files: Sequence[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the files as one view `log`; features that a file lacks are null."""
    listed = ", ".join(literal(str(file)) for file in files)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        connection.execute(
            f"CREATE VIEW log AS SELECT * FROM read_parquet([{listed}], union_by_name = true,"
            " hive_partitioning = false)"
        )
        yield connection
