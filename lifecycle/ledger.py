"""The ledger: every decision the platform takes is one row, and no row is ever changed.

Rows are ordered by their number alone. `at` is what the clock said, for people: a clock that was
set back puts no row in another place. Each row is chained to the one before (`lifecycle.chain`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lifecycle.chain import FIRST, Broken, broken, digest
from lifecycle.errors import DataError
from lifecycle.home import Home
from lifecycle.sqlite import expect, transaction

COLUMNS = (
    "number", "at", "actor", "task", "decision", "why", "version", "previous", "evidence",
    "before", "hash",
)  # fmt: skip
BEFORE_THE_CHAIN = set(COLUMNS) - {"previous", "before", "hash"}
TABLE = """
CREATE TABLE IF NOT EXISTS ledger (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    task TEXT NOT NULL,
    decision TEXT NOT NULL,
    why TEXT NOT NULL,
    version TEXT,
    previous TEXT,
    evidence TEXT NOT NULL,
    before TEXT NOT NULL,
    hash TEXT NOT NULL
);
"""
TRIGGERS = (
    """CREATE TRIGGER IF NOT EXISTS ledger_keeps_rows BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;""",
    """CREATE TRIGGER IF NOT EXISTS ledger_keeps_values BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;""",
    # REPLACE deletes without asking a delete trigger
    """CREATE TRIGGER IF NOT EXISTS ledger_only_grows BEFORE INSERT ON ledger
WHEN NEW.number <= (SELECT max(number) FROM ledger)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;""",
)
INSERT = f"INSERT INTO ledger ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
OLD = "ledger_before_the_chain"

MOVES = ("promote", "approve", "roll back")  # the decisions that make another version champion
MONITOR = "monitor"  # an actor whose rows are verdicts: its own *roll back* moves nothing


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One decision: who or what took it, when, about what, why, on what evidence.

    Attributes:
        version: the version that was decided about.
        previous: the champion it was held against, or took over from.
        at: when the clock said it was; "" until it is written.
        number: its place; 0 until it is written.
        before: the hash of the row before it; "" of the first.
        hash: of this row, `before` included.
    """

    actor: str
    task: str
    decision: str
    why: str
    version: str | None = None
    previous: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""
    number: int = 0
    before: str = ""
    hash: str = ""


class Ledger:
    def __init__(self, home: Home) -> None:
        self.path = home.platform

    def append(self, entry: Entry) -> int:
        """Write one row; returns its number.

        Raises:
            Busy: another process kept the database.
            DataError: the database holds another ledger than ours.
        """
        with opened(self.path) as db:
            return write(db, entry)

    def read(self, task: str | None = None, newest: int = 100) -> tuple[Entry, ...]:
        """The newest rows, newest first.

        Raises:
            DataError: a row's evidence cannot be read; the error names it.
        """
        return self.select("? IS NULL OR task = ?", (task, task), newest)

    def last(self, task: str, decisions: Collection[str]) -> Mapping[str, Entry]:
        """Version → the newest row about it that is one of these decisions, and no verdict."""
        marks = ", ".join("?" * len(decisions))
        newest = self.select(
            f"number IN (SELECT max(number) FROM ledger WHERE task = ? AND version IS NOT NULL"
            f" AND actor <> ? AND decision IN ({marks}) GROUP BY version)",
            (task, MONITOR, *decisions),
        )
        return {entry.version: entry for entry in newest if entry.version is not None}

    def select(self, where: str, values: tuple[object, ...], newest: int = -1) -> tuple[Entry, ...]:
        """The rows of which `where` is true, newest first; -1: all of them."""
        if not self.path.exists():
            return ()
        with opened(self.path) as db:
            rows = db.execute(
                f"SELECT * FROM ledger WHERE {where} ORDER BY number DESC LIMIT ?",
                (*values, newest),
            ).fetchall()
        return tuple(Entry(**{**dict(row), "evidence": evidence_of(row)}) for row in rows)

    def head(self) -> tuple[int, str]:
        """How many rows there are, and the hash of the newest."""
        if not self.path.exists():
            return 0, FIRST
        with opened(self.path) as db:
            (rows,) = db.execute("SELECT count(*) FROM ledger").fetchone()
            return int(rows), newest_hash(db)

    def verify(self) -> tuple[Broken, ...]:
        """Every row that was edited, removed or inserted since it was written; none: all is well.

        Raises:
            DataError: the database holds another ledger than ours.
        """
        if not self.path.exists():
            return ()
        with opened(self.path) as db:
            rows = db.execute("SELECT * FROM ledger ORDER BY number")
            return tuple(broken(map(dict, rows), max(given(db), told_by_moves(db))))


@contextmanager
def opened(path: Path, schema: str = "") -> Iterator[sqlite3.Connection]:
    """One transaction on the platform's database, its ledger made or brought up to date.

    Args:
        path: the database.
        schema: of the tables that are written in the same transaction.

    Raises:
        Busy: another process kept the database.
        DataError: it is no database, or holds another ledger than ours.
    """
    with transaction(path, TABLE + schema) as db:
        columns = {row["name"] for row in db.execute("PRAGMA table_info(ledger)")}
        if columns == BEFORE_THE_CHAIN:
            migrate(db)
        expect(db, path, "ledger", COLUMNS)
        for trigger in TRIGGERS:
            db.execute(trigger)
        yield db


def write(db: sqlite3.Connection, entry: Entry) -> int:
    """Chain one row to the newest, in the caller's transaction; returns its number."""
    number = given(db) + 1
    row = {
        "number": number,
        "at": entry.at or datetime.now(UTC).isoformat(timespec="seconds"),
        "actor": entry.actor,
        "task": entry.task,
        "decision": entry.decision,
        "why": entry.why,
        "version": entry.version,
        "previous": entry.previous,
        "evidence": json.dumps(entry.evidence, default=str),
        "before": newest_hash(db),
    }
    row["hash"] = digest(row)
    db.execute(INSERT, [row[name] for name in COLUMNS])
    return number


def newest_hash(db: sqlite3.Connection) -> str:
    newest = db.execute("SELECT hash FROM ledger ORDER BY number DESC LIMIT 1").fetchone()
    return str(newest["hash"]) if newest else FIRST


def given(db: sqlite3.Connection) -> int:
    """The highest number that a row was ever given; SQLite counts it apart from the rows."""
    counted = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'ledger'").fetchone()
    return int(counted["seq"]) if counted else 0


def told_by_moves(db: sqlite3.Connection) -> int:
    """The highest row that a change of champion names: a cut end is missed there, too."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'moves'").fetchone():
        return 0
    return int(db.execute("SELECT ifnull(max(row), 0) FROM moves").fetchone()[0])


def migrate(db: sqlite3.Connection) -> None:
    """Chain a ledger of before there was a chain, as it stands; its rows keep their numbers.

    A new table and not new columns, so that every ledger has one and the same definition. What
    the evidence told of the champion before moves into `previous`.
    """
    db.execute(f"ALTER TABLE ledger RENAME TO {OLD}")
    for trigger in ("ledger_keeps_rows", "ledger_keeps_values"):
        db.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    db.execute(TABLE)
    before = FIRST
    for old in db.execute(f"SELECT * FROM {OLD} ORDER BY number").fetchall():
        known = evidence_of(old).get("previous")
        row = {**dict(old), "previous": str(known) if known else None, "before": before}
        before = row["hash"] = digest(row)
        db.execute(INSERT, [row[name] for name in COLUMNS])
    db.execute(f"DROP TABLE {OLD}")


def evidence_of(row: sqlite3.Row) -> dict[str, Any]:
    """The row's evidence.

    Raises:
        DataError: it is no JSON object.
    """
    try:
        return dict(json.loads(row["evidence"]))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"Row {row['number']} of the ledger cannot be read.",
            found=f"Its evidence is no JSON: {error}.",
            do="See `onramp history --verify` for what was changed.",
        ) from error
