"""One ingestion at a time in a home."""

from __future__ import annotations

from contextlib import AbstractContextManager

from lifecycle.home import Home
from lifecycle.lock import held

# A build holds the lock for the moment in which it lists what there is.
PATIENCE_SECONDS = 2.0


def only_writer(home: Home) -> AbstractContextManager[None]:
    """Hold the home's ingestion lock, for as long as sources are read.

    Raises:
        Busy: another process is ingesting into this home.
    """
    return held(home.ingest_lock, "Another ingestion", patience_seconds=PATIENCE_SECONDS)
