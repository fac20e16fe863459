"""The ledger: every decision the platform takes is one row, and no row is ever changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lifecycle.home import Home
from lifecycle.sqlite import transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS ledger (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    task TEXT NOT NULL,
    decision TEXT NOT NULL,
    why TEXT NOT NULL,
    version TEXT,
    evidence TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS ledger_keeps_rows BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS ledger_keeps_values BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One decision: who or what took it, when, about what, why, on what evidence."""

    actor: str
    task: str
    decision: str
    why: str
    version: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""
    number: int = 0


class Ledger:
    def __init__(self, home: Home) -> None:
        self.path = home.platform

    def append(self, entry: Entry) -> int:
        """Write one row; returns its number."""
        with transaction(self.path, SCHEMA) as db:
            cursor = db.execute(
                "INSERT INTO ledger (at, actor, task, decision, why, version, evidence)"
                " VALUES (?,?,?,?,?,?,?)",
                (
                    entry.at or datetime.now(UTC).isoformat(timespec="seconds"),
                    entry.actor, entry.task, entry.decision, entry.why, entry.version,
                    json.dumps(entry.evidence, default=str),
                ),
            )  # fmt: skip
            return int(cursor.lastrowid or 0)

    def read(self, task: str | None = None, newest: int = 100) -> tuple[Entry, ...]:
        """The newest rows, newest first."""
        if not self.path.exists():
            return ()
        with transaction(self.path, SCHEMA) as db:
            rows = db.execute(
                "SELECT * FROM ledger WHERE ? IS NULL OR task = ? ORDER BY number DESC LIMIT ?",
                (task, task, newest),
            ).fetchall()
        return tuple(
            Entry(**{**dict(row), "evidence": json.loads(row["evidence"])}) for row in rows
        )
