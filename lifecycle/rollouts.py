"""Rollouts: a challenger beside the champion, first unseen, then before a share of the customers.

shadow ⇄ canary → ended

A task has at most one that is open. Each step is written in one transaction with the ledger row
that tells of it: a kill leaves both or neither.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from lifecycle import ledger
from lifecycle.errors import Busy
from lifecycle.home import Home
from lifecycle.ledger import Entry
from lifecycle.sqlite import expect, reading

Stage = Literal["shadow", "canary"]

STOP = "stop rollout"  # a person's word
RETURN = "return to champion"  # a guardrail's
END = "end rollout"  # there is nothing left to compare
STEPS = ("shadow", "canary", STOP, RETURN, END)  # what the ledger says of rollouts

COLUMNS = ("number", "task", "stage", "champion", "challenger", "share", "since", "ended")
TABLE = """
CREATE TABLE IF NOT EXISTS rollouts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    task TEXT NOT NULL,
    stage TEXT NOT NULL,
    champion INTEGER NOT NULL,
    challenger INTEGER NOT NULL,
    share REAL NOT NULL,
    since TEXT NOT NULL,
    ended TEXT
);
"""
INDEX = (
    "CREATE UNIQUE INDEX IF NOT EXISTS one_open_rollout_a_task ON rollouts (task)"
    " WHERE ended IS NULL"
)


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """A challenger beside the champion it is held against.

    Attributes:
        share: percent of the customers whom the challenger answers; 0 in the shadow.
        since: when this stage and share were begun, on the wall clock.
        number: its place; 0 until it is written.
    """

    task: str
    stage: Stage
    champion: int
    challenger: int
    share: float = 0.0
    since: datetime | None = None
    number: int = 0

    @property
    def words(self) -> str:
        """What a person reads."""
        if self.stage == "shadow":
            return f"version {self.challenger} in the shadow of version {self.champion}"
        return (
            f"version {self.challenger} for {self.share:g} % of the customers, "
            f"version {self.champion} for the others"
        )


@dataclass(frozen=True, kw_only=True)
class Because:
    """Who takes a step, why, and on what evidence."""

    actor: str
    why: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Rollouts:
    def __init__(self, home: Home) -> None:
        self.path = home.platform

    def open(self, task: str) -> Rollout | None:
        """The task's rollout that has not ended. Waits for no writer."""
        with reading(self.path, "rollouts") as db:
            return None if db is None else _open(db, task)

    def take(self, wanted: Rollout, because: Because) -> tuple[Rollout, int | None]:
        """Begin the rollout, or bring the open one of the same two versions to its stage.

        One that is held against a champion of before is ended first. What is so already is left
        as it is.

        Returns:
            The rollout as it stands, and the ledger row; None where nothing changed.

        Raises:
            Busy: another challenger stands beside the champion, or the database is locked.
        """
        with self._opened() as db:
            found = _open(db, wanted.task)
            if found and found.champion != wanted.champion:
                words = f"Version {wanted.champion} is the champion now."
                _end(db, found, END, Because(actor=because.actor, why=words))
                found = None
            if found and found.challenger != wanted.challenger:
                raise Busy(
                    f"{wanted.task} has another rollout.",
                    found=f"Open: {found.words}.",
                    do=f"End it with `onramp rollout {wanted.task} --stop`.",
                )
            if found and (found.stage, found.share) == (wanted.stage, wanted.share):
                return found, None
            return _write(db, found, wanted), _tell(db, wanted, wanted.stage, because)

    def end(self, rollout: Rollout, decision: str, because: Because) -> int | None:
        """End the rollout; returns the ledger row, None where it had ended before.

        Raises:
            Busy: another process kept the database; nothing was written.
        """
        with self._opened() as db:
            found = _open(db, rollout.task)
            if found is None or found.number != rollout.number:
                return None
            return _end(db, found, decision, because)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with ledger.opened(self.path, TABLE) as db:
            prepare(db, self.path)
            yield db


def superseded(db: sqlite3.Connection, task: str, version: int, actor: str) -> None:
    """End what is open: another champion was decided on, in the caller's transaction.

    Were it left open, it would go on where the champion is later rolled back to.
    """
    found = _open(db, task)
    if found is not None:
        _end(db, found, END, Because(actor=actor, why=f"Version {version} is the champion now."))


def prepare(db: sqlite3.Connection, path: Any) -> None:
    """Hold the table against what is written into it.

    Raises:
        DataError: it has other columns.
    """
    expect(db, path, "rollouts", COLUMNS)
    db.execute(INDEX)


def _open(db: sqlite3.Connection, task: str) -> Rollout | None:
    row = db.execute("SELECT * FROM rollouts WHERE task = ? AND ended IS NULL", (task,)).fetchone()
    if row is None:
        return None
    return Rollout(
        task=row["task"], stage=row["stage"], champion=row["champion"],
        challenger=row["challenger"], share=row["share"],
        since=datetime.fromisoformat(row["since"]), number=row["number"],
    )  # fmt: skip


def _write(db: sqlite3.Connection, found: Rollout | None, wanted: Rollout) -> Rollout:
    since = datetime.now(UTC)
    if found:
        db.execute(
            "UPDATE rollouts SET stage = ?, share = ?, since = ? WHERE number = ?",
            (wanted.stage, wanted.share, since.isoformat(), found.number),
        )
        return replace(wanted, since=since, number=found.number)
    cursor = db.execute(
        "INSERT INTO rollouts (task, stage, champion, challenger, share, since)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            wanted.task, wanted.stage, wanted.champion, wanted.challenger, wanted.share,
            since.isoformat(),
        ),
    )  # fmt: skip
    return replace(wanted, since=since, number=int(cursor.lastrowid or 0))


def _end(db: sqlite3.Connection, rollout: Rollout, decision: str, because: Because) -> int:
    db.execute(
        "UPDATE rollouts SET ended = ? WHERE number = ?",
        (datetime.now(UTC).isoformat(), rollout.number),
    )
    return _tell(db, rollout, decision, because)


def _tell(db: sqlite3.Connection, rollout: Rollout, decision: str, because: Because) -> int:
    share = {"share": rollout.share} if rollout.stage == "canary" else {}
    return ledger.write(
        db,
        Entry(
            actor=because.actor,
            task=rollout.task,
            decision=decision,
            why=because.why,
            version=str(rollout.challenger),
            previous=str(rollout.champion),
            evidence={**share, **because.evidence},
        ),
    )
