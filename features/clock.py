"""Now, on the data set's own clock, cheap enough for every request."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from features.online_time import datetime_of
from lifecycle.event_journal import EventJournal
from lifecycle.event_store import EventStore
from lifecycle.home import Home

Stamp = tuple[int, ...]

_known: dict[Path, tuple[Stamp, datetime | None]] = {}
_live: dict[Path, tuple[Stamp, datetime]] = {}


def clock(home: Home) -> datetime:
    """Now: wall time, or when a data set of the past last received anything, live events too.

    Raises:
        NotReady: nothing was ingested yet.
    """
    seen = changed_at(home.dataset_file, home.manifest)
    known = _known.get(home.root)
    if known is None or known[0] != seen:
        dataset = home.dataset()
        past = dataset.clock == "data"
        known = (seen, EventStore(home).newest(dataset) if past else None)
        _known[home.root] = known
    return max(known[1], live(home)) if known[1] else datetime.now(UTC)


def live(home: Home) -> datetime:
    """When the last live event was received; long ago where there never was one."""
    seen = changed_at(home.journal)
    known = _live.get(home.root)
    if known is None or known[0] != seen:
        known = _live[home.root] = (seen, datetime_of(EventJournal(home).clock()))
    return known[1]


def changed_at(*paths: Path) -> Stamp:
    """When files, and the write-ahead logs of those that SQLite keeps, were last written."""
    return tuple(written_at(f"{path}{end}") for path in paths for end in ("", "-wal"))


def written_at(file: str) -> int:
    """Nanoseconds; 0 where there is no such file."""
    try:
        return os.stat(file).st_mtime_ns  # noqa: PTH116  each request looks, and a Path costs as much again
    except (FileNotFoundError, NotADirectoryError):
        return 0
