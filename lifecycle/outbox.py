"""The outbox: what is to be sent, written down before it is sent, so that a kill loses nothing."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lifecycle.sqlite import expect, transaction

State = Literal["waiting", "sent", "given up", "nobody to tell"]

# Both must be: a job that runs every minute is not to give up on a receiver that is down for an
# hour, nor a clock that jumps on a message that was never tried.
MOST_ATTEMPTS = 20
OLDEST_SECONDS = 3 * 24 * 3600.0

TABLE = """
CREATE TABLE IF NOT EXISTS outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    about TEXT NOT NULL,
    moved_to TEXT NOT NULL,
    payload TEXT NOT NULL,
    written_at REAL NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    problem TEXT NOT NULL DEFAULT ''
);
"""
COLUMNS = (
    "number", "id", "about", "moved_to", "payload", "written_at", "state", "attempts", "problem",
)  # fmt: skip
INDEX = (
    "CREATE INDEX IF NOT EXISTS outbox_waits ON outbox (state, number)",
    "CREATE INDEX IF NOT EXISTS outbox_about ON outbox (about, number)",
)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One message.

    Attributes:
        number: its place in the order.
        id: the same in every attempt, so that a receiver knows what it has had already.
        about: what moved, as `churn/champion`.
        moved_to: the version; empty: nothing holds the alias any more.
        payload: JSON, the same bytes in every attempt.
        written_at: seconds since 1970.
        problem: of the last attempt; shows neither path nor secret.
    """

    number: int
    id: str
    about: str
    moved_to: str
    payload: str
    written_at: float
    state: State
    attempts: int
    problem: str


class Outbox:
    """The table `outbox` of platform.db."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(
        self, about: str, moved_to: str, payload: Mapping[str, object], *, wanted: bool
    ) -> Delivery | None:
        """Write a message down; None where the last one about it said the same already.

        What nobody is to be told of is kept too: else the same move, said again by whoever
        mends after a kill, would look like a new one.
        """
        with opened(self.path) as db:
            last = db.execute(
                "SELECT moved_to FROM outbox WHERE about = ? ORDER BY number DESC LIMIT 1", (about,)
            ).fetchone()
            if (last["moved_to"] if last else "") == moved_to:
                return None
            state: State = "waiting" if wanted else "nobody to tell"
            cursor = db.execute(
                "INSERT INTO outbox (id, about, moved_to, payload, written_at, state)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (str(uuid.uuid4()), about, moved_to, json.dumps(payload), time.time(), state),
            )
            return one(db, int(cursor.lastrowid or 0))

    def waiting(self) -> tuple[Delivery, ...]:
        """What is still to be sent, in the order in which it happened."""
        return self._in_state("waiting")

    def given_up(self) -> tuple[Delivery, ...]:
        """What nobody took in so many attempts."""
        return self._in_state("given up")

    def _in_state(self, state: State) -> tuple[Delivery, ...]:
        if not self.path.exists():
            return ()
        with opened(self.path) as db:
            rows = db.execute(
                "SELECT * FROM outbox WHERE state = ? ORDER BY number", (state,)
            ).fetchall()
        return tuple(Delivery(**dict(row)) for row in rows)

    def sent(self, delivery: Delivery) -> None:
        """It was taken."""
        with opened(self.path) as db:
            db.execute(
                "UPDATE outbox SET state = 'sent', attempts = attempts + 1, problem = ''"
                " WHERE number = ?",
                (delivery.number,),
            )

    def failed(self, delivery: Delivery, problem: str) -> Delivery:
        """It was not taken; after many attempts in many days it is given up."""
        with opened(self.path) as db:
            db.execute(
                "UPDATE outbox SET attempts = attempts + 1, problem = ?, state ="
                " CASE WHEN attempts + 1 >= ? AND written_at < ? THEN 'given up' ELSE state END"
                " WHERE number = ?",
                (problem, MOST_ATTEMPTS, time.time() - OLDEST_SECONDS, delivery.number),
            )
            return one(db, delivery.number)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on the messages, their table made when new.

    Raises:
        Busy: another process kept the database.
        DataError: it is no database, or holds another outbox than ours.
    """
    with transaction(path, TABLE) as db:
        expect(db, path, "outbox", COLUMNS)
        for statement in INDEX:
            db.execute(statement)
        yield db


def one(db: sqlite3.Connection, number: int) -> Delivery:
    """The message of that number."""
    row = db.execute("SELECT * FROM outbox WHERE number = ?", (number,)).fetchone()
    return Delivery(**dict(row))
