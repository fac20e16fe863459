"""One ingestion at a time in a home. The lock is SQLite's, so it ends with its process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from lifecycle.errors import Busy
from lifecycle.home import Home


@contextmanager
def only_writer(home: Home) -> Iterator[None]:
    """Hold the home's ingestion lock.

    Raises:
        Busy: another process is ingesting into this home.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(home.root / "ingest.lock", timeout=0, isolation_level=None)
    try:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise Busy(
                "Another ingestion is under way.",
                found=f"It holds {home.root / 'ingest.lock'}.",
                do="Wait until it ends; a killed one holds nothing.",
            ) from error
        yield
    finally:
        connection.close()
