"""The file behind our SQLite online store: one row a customer and view, its values in one vector.

Rows are told apart by the layout they were packed by, which holds the view's definition: a row of
another definition, or of other columns, is never read as one of these.
"""

from __future__ import annotations

import json
import sqlite3
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from features.online_port import Kind, Layout
from lifecycle.errors import Busy
from lifecycle.sqlite import PATIENCE_SECONDS, write_ahead

SCHEMA = """
CREATE TABLE IF NOT EXISTS views (
  id INTEGER PRIMARY KEY, project TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (project, name)
);
CREATE TABLE IF NOT EXISTS layouts (
  id INTEGER PRIMARY KEY, view INTEGER NOT NULL, definition TEXT NOT NULL, fields TEXT NOT NULL,
  UNIQUE (view, definition, fields)
);
CREATE TABLE IF NOT EXISTS vectors (
  entity_key BLOB NOT NULL, view INTEGER NOT NULL, layout INTEGER NOT NULL,
  event_us INTEGER NOT NULL, created_us INTEGER NOT NULL, vector BLOB NOT NULL,
  PRIMARY KEY (entity_key, view)
);
CREATE TABLE IF NOT EXISTS loaded (
  layout INTEGER NOT NULL, part TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  begin_us INTEGER NOT NULL, end_us INTEGER NOT NULL, PRIMARY KEY (layout, part)
);
"""

# The guard: an older row never replaces a newer one; one of the same time, a correction, does.
# A row of another definition is of no use to anybody once this one is loaded.
UPSERT = """
INSERT INTO vectors (entity_key, view, layout, event_us, created_us, vector)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (entity_key, view) DO UPDATE SET layout = excluded.layout,
  event_us = excluded.event_us, created_us = excluded.created_us, vector = excluded.vector
WHERE excluded.layout <> layout
   OR (excluded.event_us, excluded.created_us) >= (event_us, created_us)
"""

# Project, view, definition, fields.
Known = tuple[str, str, str, tuple[tuple[str, Kind], ...]]
Row = tuple[bytes, int, int, int, int, bytes]
Found = tuple[int, int, bytes]
# Few enough that SQLite keeps the statements, and their plans, of a server's usual questions.
KEYS_AT_ONCE = 500


class OnlineFile:
    """Connections to one file; threads may share it.

    A reader's connection is never a writer's: it would see what is not committed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: deque[sqlite3.Connection] = deque()
        self._layouts: dict[int, Known] = {}
        weakref.finalize(self, close_all, self._idle)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction.

        Raises:
            Busy: another process kept the write lock for 30 s.
        """
        with self.reading() as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                raise Busy(
                    f"{self.path.name} is locked.",
                    found=f"Another process kept it for {PATIENCE_SECONDS:.0f} s.",
                    do="Try again when it has ended.",
                ) from error
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA page_size = 8192")
        write_ahead(connection)
        # With the write-ahead log no commit can be torn; the last ones may be lost with power.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute("PRAGMA mmap_size = 1073741824")
        known = connection.execute("SELECT name FROM sqlite_master WHERE name = 'loaded'")
        if known.fetchone() is None:
            connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
        return connection

    def layout(self, number: int) -> Known:
        """What a layout's number stands for; that never changes."""
        if number not in self._layouts:
            with self.reading() as connection:
                project, view, definition, fields = connection.execute(
                    "SELECT project, name, definition, fields FROM layouts"
                    " JOIN views ON views.id = layouts.view WHERE layouts.id = ?",
                    [number],
                ).fetchone()
            pairs = tuple((name, kind) for name, kind in json.loads(fields))
            self._layouts[number] = project, view, definition, pairs
        return self._layouts[number]

    def find(self, keys: Sequence[bytes]) -> Mapping[bytes, list[Found]]:
        """Key → (layout, event µs, vector) of each of its views.

        A customer's views are as of one commit; all of `KEYS_AT_ONCE` customers asked together
        are, more are not.
        """
        found: dict[bytes, list[Found]] = {key: [] for key in keys}
        wanted = list(found)
        with self.reading() as connection:
            for at in range(0, len(wanted), KEYS_AT_ONCE):
                some = wanted[at : at + KEYS_AT_ONCE]
                sql = (
                    "SELECT entity_key, layout, event_us, vector FROM vectors"
                    f" WHERE entity_key IN ({', '.join('?' * len(some))})"
                )
                for key, *row in connection.execute(sql, some):
                    found[key].append(tuple(row))
        return found

    def forget(self, project: str, views: Iterable[str]) -> None:
        """Remove all that is known of views."""
        with self.writing() as connection:
            for name in views:
                view = "(SELECT id FROM views WHERE project = ? AND name = ?)"
                layouts = f"(SELECT id FROM layouts WHERE view = {view})"
                which = [project, name]
                connection.execute(f"DELETE FROM vectors WHERE view = {view}", which)
                connection.execute(f"DELETE FROM loaded WHERE layout IN {layouts}", which)


def close_all(connections: deque[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


def number_of(connection: sqlite3.Connection, layout: Layout) -> tuple[int, int]:
    """The layout's view and its own number, given now when they are new."""
    connection.execute(
        "INSERT OR IGNORE INTO views (project, name) VALUES (?, ?)", [layout.project, layout.view]
    )
    (view,) = connection.execute(
        "SELECT id FROM views WHERE project = ? AND name = ?", [layout.project, layout.view]
    ).fetchone()
    facts = [view, layout.definition, json.dumps(layout.fields)]
    connection.execute(
        "INSERT OR IGNORE INTO layouts (view, definition, fields) VALUES (?, ?, ?)", facts
    )
    (number,) = connection.execute(
        "SELECT id FROM layouts WHERE view = ? AND definition = ? AND fields = ?", facts
    ).fetchone()
    return view, number


def upsert(connection: sqlite3.Connection, rows: Iterable[Row]) -> int:
    """Write rows that are not older than those in the file; how many were taken."""
    before = connection.total_changes
    connection.executemany(UPSERT, rows)
    return connection.total_changes - before
