"""Changes of champion that were begun: what a process that is killed leaves for the next to settle.

open → done | undone

A move is written down before the first alias moves, with everything its ledger row will say. The
row is written, the move closed and the job that waited for it ended in one transaction, so that
no kill comes between them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

from lifecycle import job_table, jobs, ledger, rollouts
from lifecycle.home import Home
from lifecycle.ledger import Entry
from lifecycle.sqlite import expect

COLUMNS = (
    "number", "task", "state", "champion", "previous", "challenger", "version", "entry", "row",
)  # fmt: skip
TABLE = """
CREATE TABLE IF NOT EXISTS moves (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    task TEXT NOT NULL,
    state TEXT NOT NULL,
    champion INTEGER,
    previous INTEGER,
    challenger INTEGER,
    version INTEGER NOT NULL,
    entry TEXT NOT NULL,
    row INTEGER
);
"""
INDEX = (
    "CREATE UNIQUE INDEX IF NOT EXISTS one_open_move_a_task ON moves (task) WHERE state = 'open'"
)


@dataclass(frozen=True, kw_only=True)
class Move:
    """One change of champion.

    Attributes:
        champion: who held the alias when the move was begun, if one did.
        previous: who held `previous` then.
        challenger: who held `challenger` then.
        version: who is to be champion.
        entry: the ledger row that tells of the move once it is done.
        number: its place; 0 until it is written.
    """

    task: str
    champion: int | None
    previous: int | None
    challenger: int | None
    version: int
    entry: Entry
    number: int = 0


class Moves:
    def __init__(self, home: Home) -> None:
        self.path = home.platform

    def begin(self, move: Move) -> Move:
        """Write the move down, before anything moves; returns it with its number.

        Raises:
            Busy: another process kept the database; nothing was written.
        """
        with self.opened() as db:
            cursor = db.execute(
                "INSERT INTO moves (task, state, champion, previous, challenger, version, entry)"
                " VALUES (?, 'open', ?, ?, ?, ?, ?)",
                (
                    move.task, move.champion, move.previous, move.challenger, move.version,
                    json.dumps(asdict(move.entry), default=str),
                ),
            )  # fmt: skip
            return replace(move, number=int(cursor.lastrowid or 0))

    def open(self, task: str) -> Move | None:
        """The move of the task that was begun and neither done nor undone."""
        if not self.path.exists():
            return None
        with self.opened() as db:
            row = db.execute(
                "SELECT * FROM moves WHERE task = ? AND state = 'open'", (task,)
            ).fetchone()
        if row is None:
            return None
        return Move(
            task=row["task"], champion=row["champion"], previous=row["previous"],
            challenger=row["challenger"], version=row["version"],
            entry=Entry(**json.loads(row["entry"])), number=row["number"],
        )  # fmt: skip

    def done(self, move: Move) -> int:
        """Close the move: its ledger row, and the end of a job that awaited it; returns the row.

        A move that is closed already gets no second row.
        """
        with self.opened() as db:
            row = self._row(db, move)
            if row is not None:
                return row
            row = ledger.write(db, move.entry)
            jobs.decided(db, move.task, move.version, "promoted", told(move.entry))
            rollouts.superseded(db, move.task, move.version, move.entry.actor)
            self._close(db, move, "done", row)
            return row

    def undone(self, move: Move) -> None:
        """Close a move of which nothing is left; the ledger tells of decisions that took effect."""
        with self.opened() as db:
            self._close(db, move, "undone", None)

    def rows(self, task: str) -> frozenset[int]:
        """The ledger rows that moves of the task have written."""
        sql = "SELECT row FROM moves WHERE task = ? AND row IS NOT NULL"
        with self.opened() as db:
            return frozenset(row["row"] for row in db.execute(sql, (task,)))

    def _row(self, db: sqlite3.Connection, move: Move) -> int | None:
        found = db.execute("SELECT row FROM moves WHERE number = ?", (move.number,)).fetchone()
        return found["row"] if found else None

    def _close(self, db: sqlite3.Connection, move: Move, state: str, row: int | None) -> None:
        db.execute(
            "UPDATE moves SET state = ?, row = ? WHERE number = ? AND state = 'open'",
            (state, row, move.number),
        )

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """One transaction on moves, ledger, jobs and rollouts.

        Raises:
            Busy: another process kept the database.
            DataError: it is no database, or its tables are not ours.
        """
        with ledger.opened(self.path, TABLE + job_table.TABLE + rollouts.TABLE) as db:
            expect(db, self.path, "moves", COLUMNS)
            job_table.prepare(db, self.path)
            rollouts.prepare(db, self.path)
            db.execute(INDEX)
            yield db


def told(entry: Entry) -> str:
    """Who decided it and why, as the end of a job says it."""
    return f"{entry.decision} by {entry.actor}: {entry.why}"
