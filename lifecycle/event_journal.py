"""Events that were taken one by one, durable at once, until ingestion brings them to the store.

The event store takes files: a commit for each event would leave it a file for each. So a live
event is first a row here, in order of receipt, and its *stamp* is the time of its receipt on the
data set's own clock. The clock never stands still and never goes back: an event that is taken
after a moment was handed out is received after that moment. So whoever computes features at a
handed-out moment has seen all that was received by it, whatever comes in meanwhile.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from lifecycle.home import Home
from lifecycle.sqlite import transaction

Micros = int
# Every value as text, as a file would hold it; None: no value.
Row = Mapping[str, str | None]

KEYS_AT_ONCE = 500

SCHEMA = """
CREATE TABLE IF NOT EXISTS live_events (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    customer_id TEXT,
    occurred INTEGER,                  -- microseconds since 1970, UTC; NULL: unreadable
    received INTEGER NOT NULL,
    reason TEXT,                       -- why it is refused; NULL: it is kept
    content TEXT NOT NULL              -- JSON: the row as ingestion reads it
);
CREATE UNIQUE INDEX IF NOT EXISTS live_ids ON live_events (event_id) WHERE reason IS NULL;
CREATE INDEX IF NOT EXISTS live_customers ON live_events (customer_id) WHERE reason IS NULL;
CREATE TABLE IF NOT EXISTS live_clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    stamp INTEGER NOT NULL,            -- the last that was given, or the last moment
    claimed INTEGER NOT NULL           -- rows up to this n are on their way to the store
);
INSERT OR IGNORE INTO live_clock VALUES (1, 0, 0);
"""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One event to be written, or as it was written.

    Attributes:
        occurred, received: µs since 1970, UTC.
        reason: why it is in quarantine; None: it is kept.
        row: as ingestion reads it.
    """

    event_id: str
    customer_id: str | None
    occurred: Micros | None
    received: Micros
    reason: str | None
    row: Row


class Page:
    """What one writer sees and adds, while no other writes."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    @property
    def clock(self) -> Micros:
        """The last stamp that was given; a new one lies after it."""
        (found,) = self.db.execute("SELECT stamp FROM live_clock").fetchone()
        return int(found)

    def known(self, event_ids: Sequence[str]) -> frozenset[str]:
        """Which of these ids are kept here already."""
        found: set[str] = set()
        for at in range(0, len(event_ids), KEYS_AT_ONCE):
            some = event_ids[at : at + KEYS_AT_ONCE]
            marks = ", ".join("?" * len(some))
            rows = self.db.execute(
                f"SELECT event_id FROM live_events WHERE reason IS NULL AND event_id IN ({marks})",
                some,
            )
            found.update(row[0] for row in rows)
        return frozenset(found)

    def append(self, entries: Sequence[Entry], stamp: Micros) -> None:
        """Add entries, and set the clock; it never goes back."""
        self.db.executemany(
            "INSERT INTO live_events (event_id, customer_id, occurred, received, reason, content)"
            " VALUES (?,?,?,?,?,?)",
            [
                (e.event_id, e.customer_id, e.occurred, e.received, e.reason,
                 json.dumps(e.row, ensure_ascii=False))
                for e in entries
            ],
        )  # fmt: skip
        self.db.execute("UPDATE live_clock SET stamp = max(stamp, ?)", (stamp,))


class EventJournal:
    """Events on their way to the event store. Processes and threads may share it."""

    def __init__(self, home: Home) -> None:
        self.path = home.journal
        self._made = False

    @contextmanager
    def writing(self) -> Iterator[Page]:
        """One transaction; what it appends is on disk when it ends.

        Raises:
            Busy: another process kept the write lock for 30 s.
        """
        with transaction(self.path, SCHEMA) as db:
            yield Page(db)

    def clock(self) -> Micros:
        """The last stamp that was given; 0: none."""
        if not self.path.exists():
            return 0
        with self._reading() as db:
            return Page(db).clock

    def waiting(self) -> int:
        """How many rows are not in the event store yet."""
        if not self.path.exists():
            return 0
        with self._reading() as db:
            (found,) = db.execute("SELECT count(*) FROM live_events").fetchone()
        return int(found)

    def kept(self, customers: Iterable[str]) -> list[Entry]:
        """The kept events of customers, in order of receipt."""
        names = list(customers)
        rows: list[sqlite3.Row] = []
        if not self.path.exists():
            return []
        with self._reading() as db:
            for at in range(0, len(names), KEYS_AT_ONCE):
                some = names[at : at + KEYS_AT_ONCE]
                marks = ", ".join("?" * len(some))
                rows += db.execute(
                    f"SELECT * FROM live_events WHERE reason IS NULL AND customer_id IN ({marks})",
                    some,
                ).fetchall()
        return [entry_of(row) for row in sorted(rows, key=lambda row: row["n"])]

    def customers(self) -> frozenset[str]:
        """Whose kept events are here."""
        if not self.path.exists():
            return frozenset()
        with self._reading() as db:
            rows = db.execute("SELECT DISTINCT customer_id FROM live_events WHERE reason IS NULL")
            return frozenset(row[0] for row in rows)

    def claim(self, *, after: Micros = 0) -> tuple[int, list[Entry]]:
        """All rows that are to go to the store now, and the number of the last.

        What was claimed before and never forgotten is claimed again, as it was: whoever was
        killed between the store's commit and `forget` repeats the same rows, and the store knows
        them.

        Args:
            after: the clock is set to it, so that what is taken later is received after it.
        """
        if not self.path.exists():
            return 0, []
        with transaction(self.path, SCHEMA) as db:
            (claimed,) = db.execute("SELECT claimed FROM live_clock").fetchone()
            if not db.execute("SELECT 1 FROM live_events WHERE n <= ?", (claimed,)).fetchone():
                (claimed,) = db.execute("SELECT coalesce(max(n), 0) FROM live_events").fetchone()
            db.execute("UPDATE live_clock SET claimed = ?, stamp = max(stamp, ?)", (claimed, after))
            rows = db.execute("SELECT * FROM live_events WHERE n <= ? ORDER BY n", (claimed,))
            return int(claimed), [entry_of(row) for row in rows.fetchall()]

    def forget(self, last: int) -> None:
        """Drop the rows up to a number: they are in the event store."""
        with transaction(self.path, SCHEMA) as db:
            db.execute("DELETE FROM live_events WHERE n <= ?", (last,))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if not self._made:
            with transaction(self.path, SCHEMA):
                self._made = True
        # A writer may be judging for some milliseconds; readers of the log never wait for it.
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            yield connection
        finally:
            connection.close()


def entry_of(row: sqlite3.Row) -> Entry:
    return Entry(
        event_id=row["event_id"], customer_id=row["customer_id"], occurred=row["occurred"],
        received=row["received"], reason=row["reason"], row=json.loads(row["content"]),
    )  # fmt: skip
