"""The table `jobs` of platform.db, and how one of an earlier Onramp becomes ours, in place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lifecycle import ledger
from lifecycle.job_states import ENDS
from lifecycle.sql import literals
from lifecycle.sqlite import expect

TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    task TEXT NOT NULL,
    state TEXT NOT NULL,
    why TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at TEXT NOT NULL,
    as_of TEXT NOT NULL,
    worker TEXT,
    heartbeat_at TEXT,
    ended_at TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL DEFAULT '{}',
    trigger TEXT NOT NULL DEFAULT 'hand',
    state_at TEXT NOT NULL DEFAULT '',
    version INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    problem TEXT NOT NULL DEFAULT '',
    next_try_at TEXT,
    told TEXT NOT NULL DEFAULT ''
);
"""
ADDED = (  # since jobs had one state for all work
    "trigger TEXT NOT NULL DEFAULT 'hand'",
    "state_at TEXT NOT NULL DEFAULT ''",
    "version INTEGER",
    "failures INTEGER NOT NULL DEFAULT 0",
    "problem TEXT NOT NULL DEFAULT ''",
    "next_try_at TEXT",
    "told TEXT NOT NULL DEFAULT ''",
)
BEFORE_STEPS = (
    "id", "task", "state", "why", "requested_by", "requested_at", "as_of", "worker",
    "heartbeat_at", "ended_at", "attempts", "outcome",
)  # fmt: skip
COLUMNS = (*BEFORE_STEPS, *(column.split()[0] for column in ADDED))
OPEN = f"state NOT IN ({literals(sorted(ENDS))})"
INDEX = (
    "DROP INDEX IF EXISTS one_open_job_a_task",  # of before a job could wait for a person
    "DROP INDEX IF EXISTS one_job_at_a_time",  # of before work had steps
    f"CREATE UNIQUE INDEX IF NOT EXISTS one_open_job ON jobs (task) WHERE {OPEN}",
)
# Nobody is told anew of what ended before anybody was told.
FILL = f"""UPDATE jobs SET
    trigger = CASE requested_by WHEN 'monitor' THEN 'decay' ELSE 'hand' END,
    state_at = coalesce(ended_at, heartbeat_at, requested_at),
    version = CASE WHEN json_valid(outcome) THEN json_extract(outcome, '$.version') END,
    told = CASE WHEN state IN ({literals(sorted(ENDS))}) THEN state ELSE '' END,
    state = CASE state WHEN 'running' THEN 'preparing' ELSE state END
"""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on the jobs and the ledger, their tables made when new.

    Raises:
        Busy: another process kept the database.
        DataError: it is no database, or holds other jobs than ours.
    """
    with ledger.opened(path, TABLE) as db:
        prepare(db, path)
        yield db


def prepare(db: sqlite3.Connection, path: Path) -> None:
    """Bring the table, which is there, up to date, and make its rule of uniqueness."""
    found = {row["name"] for row in db.execute("PRAGMA table_info(jobs)")}
    if found == set(BEFORE_STEPS):
        for column in ADDED:
            db.execute(f"ALTER TABLE jobs ADD COLUMN {column}")
        db.execute(FILL)
    expect(db, path, "jobs", COLUMNS)
    for statement in INDEX:
        db.execute(statement)
