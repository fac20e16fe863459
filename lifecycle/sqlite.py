"""SQLite as our embedded stores use it: write-ahead log, patient with a busy neighbour."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from lifecycle.errors import Busy, DataError

PATIENCE_SECONDS = 30.0
SHORT_WAIT_SECONDS = 0.02
NO_DATABASE = ("SQLITE_NOTADB", "SQLITE_CORRUPT")


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
        DataError: the file is no database, or a damaged one.
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
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorname", "") not in NO_DATABASE:
            raise
        raise damaged(path, error) from error
    finally:
        connection.close()


@contextmanager
def reading(path: Path, table: str) -> Iterator[sqlite3.Connection | None]:
    """A connection that only reads and waits for no writer; None where the table was never made.

    Raises:
        DataError: the file is no database, or a damaged one.
    """
    if not path.exists():
        yield None
        return
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,))
        yield connection if known.fetchone() else None
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorname", "") not in NO_DATABASE:
            raise
        raise damaged(path, error) from error
    finally:
        connection.close()


def damaged(path: Path, error: sqlite3.DatabaseError) -> DataError:
    """What is raised of a file that SQLite cannot read."""
    return DataError(
        f"{path} is no SQLite database, or a damaged one.",
        found=f"{error}.",
        do="Put it back from a copy, or name another home in ONRAMP_HOME.",
    )


def expect(db: sqlite3.Connection, path: Path, table: str, columns: Collection[str]) -> None:
    """Hold the table against what is written into it, before anything is.

    Raises:
        DataError: it has other columns.
    """
    found = {row["name"] for row in db.execute(f"PRAGMA table_info({table})")}
    if found != set(columns):
        raise DataError(
            f"The table {table!r} in {path} is not one that this Onramp writes.",
            found=f"Its columns are {', '.join(sorted(found)) or 'none'}.",
            do="Use the Onramp that wrote it, or name another home in ONRAMP_HOME.",
        )
