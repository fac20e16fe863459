"""Sources that never end: a folder into which files are put, a Redis stream of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ingestion.ingest import ingest, jobs
from ingestion.mapping import read_mapping
from ingestion.report import IngestReport
from ingestion.sources import find_files
from lifecycle.errors import NotReady, UsageError
from lifecycle.home import Home

# A file that two looks find alike is whole; who renames files into the folder never waits twice.
LOOK_SECONDS = 0.5
GROUP = CONSUMER = "onramp"
MOST_ENTRIES = 5_000

State = tuple[int, int]


class Folder:
    """The files of a data set below a folder, as they appear.

    Args:
        home: where they go.
        toml: the data set's file.
        folder: that holds its files.
    """

    def __init__(self, home: Home, toml: Path, folder: Path) -> None:
        self.home, self.toml, self.folder = home, toml, folder
        self._seen: dict[Path, State] = {}
        self._done: dict[Path, State] = {}

    def poll(self) -> IngestReport | None:
        """Bring what is new and whole to the event store; None where there is nothing.

        Raises:
            DataError: a file does not fit the data set; it is looked at again when it changes.
            Busy: another process is ingesting.
        """
        now = self._look()
        whole = {path for path, state in now.items() if self._seen.get(path) == state}
        self._seen = now
        fresh = frozenset(path for path in whole if self._done.get(path) != now[path])
        if not fresh:
            return None
        report = ingest(self.home, self.toml, self.folder, only=fresh)
        self._done.update({path: now[path] for path in fresh})
        return report

    def _look(self) -> dict[Path, State]:
        mapping = read_mapping(self.toml)
        found = {}
        for job in jobs(mapping):
            for _, path in find_files(job.table, job.key, self.folder):
                there = path.stat()
                found[path] = (there.st_size, there.st_mtime_ns)
        return found


@dataclass(frozen=True)
class Entries:
    """Some of a stream's entries; what is not acknowledged comes again after a restart."""

    ids: Sequence[bytes]
    events: Sequence[Mapping[str, Any]]


class Stream:
    """A Redis stream, each entry of which is one event: its fields are the event's.

    It is read as the consumer group `onramp`, so that it goes on where it stopped. An entry that
    was read and never acknowledged is read again; the event's id tells that it is the same.

    Args:
        url: `redis://HOST:PORT/DATABASE/NAME`; NAME is the stream's.
    """

    def __init__(self, url: str) -> None:
        server, self.name = split(url)
        self.client = connect(server)
        self._after = b"0"  # first what was read and not acknowledged, then what is new

    def poll(self, wait_seconds: float) -> Entries:
        """The next entries; waits for new ones.

        Raises:
            NotReady: the server does not answer.
        """
        import redis  # noqa: PLC0415  its client comes with an extra

        try:
            self._join()
            found = self.client.xreadgroup(
                GROUP, CONSUMER, {self.name: self._after}, count=MOST_ENTRIES,
                block=max(1, round(wait_seconds * 1000)),
            )  # fmt: skip
        except redis.RedisError as error:
            raise NotReady(
                f"The stream {self.name} cannot be read.", found=f"{error}.", do="Start its server."
            ) from error
        entries = [entry for _, some in found or () for entry in some]
        if not entries:
            self._after = b">"
        return Entries([name for name, _ in entries], [fields_of(each) for _, each in entries])

    def done(self, entries: Entries) -> None:
        """Acknowledge entries: they are kept."""
        if entries.ids:
            self.client.xack(self.name, GROUP, *entries.ids)

    def _join(self) -> None:
        """Make the group from the stream's start, where it is new."""
        import redis  # noqa: PLC0415  its client comes with an extra

        try:
            self.client.xgroup_create(self.name, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise


def fields_of(entry: Mapping[bytes, bytes] | None) -> Mapping[str, Any]:
    """An entry's fields; one that is no UTF-8 has a name that no event has."""
    found: dict[str, Any] = {}
    for name, value in (entry or {}).items():
        try:
            found[name.decode()] = value.decode()
        except UnicodeDecodeError:
            found[repr(name)] = repr(value)
    return found


def split(url: str) -> tuple[str, str]:
    """The server's address and the stream's name.

    Raises:
        UsageError: it is no such address.
    """
    parts = urlsplit(url)
    database, _, name = parts.path.lstrip("/").partition("/")
    if parts.scheme not in ("redis", "rediss") or not database.isdecimal() or not name:
        raise UsageError(
            "That is no address of a Redis stream.",
            do="Write redis://HOST:PORT/DATABASE/NAME, such as redis://127.0.0.1:6379/0/events.",
        )
    return parts._replace(path=f"/{database}").geturl(), name


def connect(server: str) -> Any:
    """A client of the server.

    Raises:
        NotReady: Redis' client is not installed.
    """
    try:
        import redis  # noqa: PLC0415  its client comes with an extra
    except ImportError as error:
        raise NotReady(
            "Redis' client is not installed.", do="Install `onramp[postgres-redis]`."
        ) from error
    return redis.Redis.from_url(server)
