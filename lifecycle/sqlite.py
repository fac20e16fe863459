"""SQLite as our embedded stores use it: write-ahead log, patient with a busy neighbour."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lifecycle.errors import Busy

PATIENCE_SECONDS = 30.0


@contextmanager
def transaction(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """One immediate transaction on the database at `path`, made with `schema` when new.

    `BEGIN IMMEDIATE` takes the write lock before the first read, so that a compare-and-set
    reads what it writes over.

    Raises:
        Busy: another process kept the write lock for 30 s.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(schema)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        raise Busy(
            f"{path.name} is locked.",
            found=f"Another process kept it for {PATIENCE_SECONDS:.0f} s.",
            do="Try again when it has ended.",
        ) from error
    finally:
        connection.close()
