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
LONGEST_PAUSE = 3600.0  # seconds between two attempts

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
    problem TEXT NOT NULL DEFAULT '',
    channel TEXT NOT NULL DEFAULT '',
    next_try_at REAL NOT NULL DEFAULT 0
);
"""
ADDED = (  # since there are other channels than the webhook of aliases
    "channel TEXT NOT NULL DEFAULT ''",
    "next_try_at REAL NOT NULL DEFAULT 0",
)
BEFORE_CHANNELS = (
    "number", "id", "about", "moved_to", "payload", "written_at", "state", "attempts", "problem",
)  # fmt: skip
COLUMNS = (*BEFORE_CHANNELS, *(column.split()[0] for column in ADDED))
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
        channel: who is told; empty: the webhook of aliases.
        next_try_at: seconds since 1970; not sent before.
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
    channel: str = ""
    next_try_at: float = 0.0


class Outbox:
    """The table `outbox` of platform.db."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(
        self, about: str, moved_to: str, payload: Mapping[str, object], *, wanted: bool,
        channel: str = "",
    ) -> Delivery | None:  # fmt: skip
        """Write a message down; None where the channel's last one about it said the same already.

        What nobody is to be told of is kept too: else the same move, said again by whoever
        mends after a kill, would look like a new one.
        """
        with opened(self.path) as db:
            last = db.execute(
                "SELECT moved_to FROM outbox WHERE about = ? AND channel = ?"
                " ORDER BY number DESC LIMIT 1",
                (about, channel),
            ).fetchone()
            if (last["moved_to"] if last else "") == moved_to:
                return None
            state: State = "waiting" if wanted else "nobody to tell"
            cursor = db.execute(
                "INSERT INTO outbox (id, about, moved_to, payload, written_at, state, channel)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (str(uuid.uuid4()), about, moved_to, json.dumps(payload), time.time(), state,
                 channel),
            )  # fmt: skip
            return one(db, int(cursor.lastrowid or 0))

    def waiting(self, channel: str = "") -> tuple[Delivery, ...]:
        """What is still to be sent to it, in the order in which it happened."""
        return self._in_state("waiting", channel)

    def due(self, channel: str) -> tuple[Delivery, ...]:
        """Of that, what may be tried now: what was tried least goes first."""
        now = time.time()
        found = (
            one for one in self.waiting(channel)
            # a time far ahead was written before the clock was set back
            if not 0 < one.next_try_at - now <= LONGEST_PAUSE
        )  # fmt: skip
        return tuple(sorted(found, key=lambda one: (one.attempts, one.number)))

    def given_up(self, channel: str = "") -> tuple[Delivery, ...]:
        """What nobody took in so many attempts."""
        return self._in_state("given up", channel)

    def _in_state(self, state: State, channel: str) -> tuple[Delivery, ...]:
        if not self.path.exists():
            return ()
        with opened(self.path) as db:
            rows = db.execute(
                "SELECT * FROM outbox WHERE state = ? AND channel = ? ORDER BY number",
                (state, channel),
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

    def failed(self, delivery: Delivery, problem: str, pause: float = 0.0) -> Delivery:
        """It was not taken; after many attempts in many days it is given up.

        Args:
            delivery: as it was read.
            problem: why not.
            pause: seconds before the next attempt.
        """
        with opened(self.path) as db:
            db.execute(
                "UPDATE outbox SET attempts = attempts + 1, problem = ?, next_try_at = ?, state ="
                " CASE WHEN attempts + 1 >= ? AND written_at < ? THEN 'given up' ELSE state END"
                " WHERE number = ?",
                (
                    problem,
                    time.time() + pause if pause else 0.0,
                    MOST_ATTEMPTS,
                    time.time() - OLDEST_SECONDS,
                    delivery.number,
                ),
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
        found = {row["name"] for row in db.execute("PRAGMA table_info(outbox)")}
        if found == set(BEFORE_CHANNELS):
            for column in ADDED:
                db.execute(f"ALTER TABLE outbox ADD COLUMN {column}")
        expect(db, path, "outbox", COLUMNS)
        for statement in INDEX:
            db.execute(statement)
        yield db


def one(db: sqlite3.Connection, number: int) -> Delivery:
    """The message of that number."""
    row = db.execute("SELECT * FROM outbox WHERE number = ?", (number,)).fetchone()
    return Delivery(**dict(row))
