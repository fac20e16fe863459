"""SQLite as our embedded stores use it: write-ahead log, patient with a busy neighbour."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lifecycle.errors import Busy

PATIENCE_SECONDS = 30.0
SHORT_WAIT_SECONDS = 0.02


def write_ahead(connection: sqlite3.Connection) -> None:
    """Switch a new database to the write-ahead log, which it then keeps.

    SQLite does not wait for the switch as it waits for the write lock: of two processes that
    make the same database at once, one is told at once that it is locked.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(SHORT_WAIT_SECONDS)
        else:
            return


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
        write_ahead(connection)
        connection.executescript(f"BEGIN IMMEDIATE; {schema}")
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
