"""Take what comes until somebody says stop, and keep the features of its customers fresh."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingestion.drain import drain
from ingestion.follow import LOOK_SECONDS, Folder, Stream
from ingestion.ingest import adopt
from ingestion.lock import only_writer
from ingestion.mapping import read_mapping
from lifecycle.errors import OnrampError, UsageError
from lifecycle.home import Home
from onramp.console import show
from onramp.options import Place
from serving.fresh import DRAIN_SECONDS
from serving.fresh_path import FreshPath
from tasks import supported


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What one look brought.

    Attributes:
        fresh: customers whose online features hold it now.
        trouble: why they do not yet; it is tried again.
    """

    kept: int = 0
    quarantined: int = 0
    fresh: int = 0
    seconds: float = 0.0
    trouble: str = ""

    def lines(self) -> list[str]:
        """What a person reads."""
        told = f"{self.kept:,} kept, {self.quarantined:,} quarantined"
        fresh = f"fresh features of {self.fresh:,} customers ({self.seconds:.2f} s)"
        return [f"{told}, {fresh}", *([f"  {self.trouble}"] if self.trouble else [])]


def follow_source(place: Place, toml: Path, folder: Path | None, stream: str | None) -> None:
    """Follow a folder or a stream until SIGINT or SIGTERM.

    Raises:
        UsageError: neither was named, or both.
    """
    if (folder is None) == (stream is None):
        raise UsageError(
            "What is to be followed?", do="Name a folder with --from, or a stream with --stream."
        )
    settle_in(place.home, toml)
    follower = Follower(place.home, Folder(place.home, toml, folder) if folder else None,
                        Stream(stream) if stream else None)  # fmt: skip
    with stopping() as stop:
        while not stop.is_set():
            found = follower.look()
            if found is not None:
                show(found, found.lines(), as_json=place.as_json)
            if folder is not None:
                stop.wait(LOOK_SECONDS)
    drain(place.home)


def settle_in(home: Home, toml: Path) -> None:
    """Make the home one of this data set, as `onramp ingest` does."""
    with only_writer(home):
        list(adopt(home, toml, read_mapping(toml)))


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that is set by SIGINT and SIGTERM."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Follower:
    """One look after the other; exactly one of folder and stream."""

    def __init__(self, home: Home, folder: Folder | None, stream: Stream | None) -> None:
        self.home, self.folder, self.stream = home, folder, stream
        days = sorted({day for task in supported(home.dataset()).values() for day in task.moments})
        self.path = FreshPath(home, days)
        self._drained = time.monotonic()

    def look(self) -> Followed | None:
        """Take what is there; None where there was nothing to do."""
        begun = time.monotonic()
        kept, quarantined = self._files() if self.folder else self._entries()
        if time.monotonic() - self._drained > DRAIN_SECONDS:
            drain(self.home)
            self.path.settled()
            self._drained = time.monotonic()
        late, trouble = len(self.path.late), ""
        try:
            self.path.refresh()
        except OnrampError as error:
            late, trouble = 0, str(error)
        if not (kept or quarantined or late):
            return None
        return Followed(
            kept=kept, quarantined=quarantined, fresh=late, trouble=trouble,
            seconds=time.monotonic() - begun,
        )  # fmt: skip

    def _files(self) -> tuple[int, int]:
        report = self.folder.poll() if self.folder else None
        if report is None:
            return 0, 0
        self.path.arrived()
        return report.rows_kept, report.rows_quarantined

    def _entries(self) -> tuple[int, int]:
        if self.stream is None:
            return 0, 0
        entries = self.stream.poll(LOOK_SECONDS)
        if not entries.ids:
            return 0, 0
        taken = self.path.take(self.path.live.read_any(entries.events))
        self.stream.done(entries)
        return taken.kept, len(taken.reasons) - taken.kept
