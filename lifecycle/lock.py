"""A lock between processes that dies with its holder, however that one ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lifecycle.errors import Busy


@contextmanager
def held(path: Path, what: str, *, patience_seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock at `path` for the block.

    SQLite's exclusive lock on an empty database: the operating system lets it go when the
    process ends, so that nothing has to be cleared away after a kill.

    Args:
        path: a file for this lock alone, made when new.
        what: is being done under it, as the error says it.
        patience_seconds: how long to wait for another holder.

    Raises:
        Busy: another process, or another thread, holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=patience_seconds, isolation_level=None)
    try:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise Busy(
                f"{what} is under way already.",
                found=f"Another process holds {path.name}.",
                do="Try again when it has ended.",
            ) from error
        yield
    finally:
        connection.close()
