"""Retrain jobs: at most one open job a task, claimed by compare-and-set.

requested → running → promoted | refused | undecided | failed
            running → awaiting approval → promoted | refused

A worker that dies leaves its job running; once its heartbeat is older than `LEASE`, the next
worker takes the job over and does it again from the start. A job that awaits approval is open,
but no worker's: a person approves or rejects its version, which ends it.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from lifecycle.errors import Busy
from lifecycle.home import Home
from lifecycle.sqlite import expect, transaction

State = Literal[
    "requested", "running", "awaiting approval", "promoted", "refused", "undecided", "failed"
]
End = Literal["promoted", "refused", "undecided", "failed"]

LEASE = timedelta(minutes=10)

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
    outcome TEXT NOT NULL DEFAULT '{}'
);
"""
COLUMNS = (
    "id", "task", "state", "why", "requested_by", "requested_at", "as_of", "worker",
    "heartbeat_at", "ended_at", "attempts", "outcome",
)  # fmt: skip
OPEN = "state IN ('requested', 'running', 'awaiting approval')"
INDEX = (
    "DROP INDEX IF EXISTS one_open_job_a_task",  # of before a job could wait for a person
    f"CREATE UNIQUE INDEX IF NOT EXISTS one_job_at_a_time ON jobs (task) WHERE {OPEN}",
)


@dataclass(frozen=True, kw_only=True)
class Job:
    id: str
    task: str
    state: State
    why: str
    requested_by: str
    requested_at: str
    as_of: str
    worker: str | None
    heartbeat_at: str | None
    ended_at: str | None
    attempts: int
    outcome: str


def unseen(worker: str) -> bool | None:  # noqa: ARG001
    """Nothing is known of any worker."""
    return None


class Jobs:
    def __init__(self, home: Home) -> None:
        self.path = home.platform

    def request(self, task: str, *, why: str, by: str, as_of: datetime) -> tuple[Job, bool]:
        """Open a job, or return the open one; the flag says whether it is new."""
        with opened(self.path) as db:
            found = open_job(db, task)
            if found is not None:
                return found, False
            db.execute(
                "INSERT INTO jobs (id, task, state, why, requested_by, requested_at, as_of)"
                " VALUES (?, ?, 'requested', ?, ?, ?, ?)",
                (uuid.uuid4().hex[:12], task, why, by, moment(), as_of.isoformat()),
            )
            made = open_job(db, task)
            if made is None:
                message = "a job that was just written cannot be read"
                raise AssertionError(message)
            return made, True

    def claim(
        self, task: str, worker: str, *, alive: Callable[[str], bool | None] = unseen
    ) -> Job | None:
        """Take the open job of the task, or None when there is none that a worker can do.

        Args:
            task: the job's task.
            worker: the name of who takes it.
            alive: whether the worker that has the job lives; None when that cannot be seen from
                here, and then its heartbeat decides.

        Raises:
            Busy: another worker has it and lives.
        """
        with opened(self.path) as db:
            job = open_job(db, task)
            if job is None or job.state == "awaiting approval":
                return None
            if job.state == "running" and job.worker != worker and held(job, alive):
                raise Busy(
                    f"Job {job.id} of {task} is being worked on.",
                    found=f"Worker {job.worker}, last heard of at {job.heartbeat_at}.",
                    do="Leave it, or try again when that worker has ended.",
                )
            db.execute(
                "UPDATE jobs SET state='running', worker=?, heartbeat_at=?, attempts=attempts+1"
                " WHERE id=?",
                (worker, moment(), job.id),
            )
            return open_job(db, task)

    def beat(self, job: Job) -> bool:
        """Say that the worker lives; False when the job is no longer its own."""
        with opened(self.path) as db:
            cursor = db.execute(
                "UPDATE jobs SET heartbeat_at=? WHERE id=? AND worker=? AND state='running'",
                (moment(), job.id, job.worker),
            )
            return cursor.rowcount == 1

    def release(self, job: Job) -> bool:
        """Give the job back undone, for another time; False when it is no longer ours."""
        with opened(self.path) as db:
            cursor = db.execute(
                "UPDATE jobs SET state='requested', worker=NULL, heartbeat_at=NULL"
                " WHERE id=? AND worker=? AND state='running'",
                (job.id, job.worker),
            )
            return cursor.rowcount == 1

    def end(self, job: Job, state: End, outcome: Mapping[str, object]) -> bool:
        """Close the job; False when it was taken over and is not ours to close."""
        with opened(self.path) as db:
            cursor = db.execute(
                "UPDATE jobs SET state=?, ended_at=?, outcome=?"
                " WHERE id=? AND worker=? AND state='running'",
                (state, moment(), json.dumps(outcome, default=str), job.id, job.worker),
            )
            return cursor.rowcount == 1

    def wait(self, job: Job, version: int, outcome: Mapping[str, object]) -> bool:
        """Let the job wait for a person to approve this version; False when it is not ours."""
        with opened(self.path) as db:
            cursor = db.execute(
                "UPDATE jobs SET state='awaiting approval', heartbeat_at=NULL, outcome=?"
                " WHERE id=? AND worker=? AND state='running'",
                (json.dumps({**outcome, "version": version}, default=str), job.id, job.worker),
            )
            return cursor.rowcount == 1

    def waiting(self, task: str) -> Job | None:
        """The job of the task that waits for a person."""
        if not self.path.exists():
            return None
        with opened(self.path) as db:
            job = open_job(db, task)
            return job if job and job.state == "awaiting approval" else None

    def read(self, task: str | None = None) -> tuple[Job, ...]:
        """Every job, newest first."""
        if not self.path.exists():
            return ()
        with opened(self.path) as db:
            rows = db.execute(
                "SELECT * FROM jobs WHERE ? IS NULL OR task = ? ORDER BY rowid DESC", (task, task)
            ).fetchall()
        return tuple(Job(**dict(row)) for row in rows)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on the jobs, their table made when new.

    Raises:
        Busy: another process kept the database.
        DataError: it is no database, or holds other jobs than ours.
    """
    with transaction(path, TABLE) as db:
        prepare(db, path)
        yield db


def prepare(db: sqlite3.Connection, path: Path) -> None:
    """Hold the table, which is there, against ours, and make its rule of uniqueness."""
    expect(db, path, "jobs", COLUMNS)
    for statement in INDEX:
        db.execute(statement)


def decided(db: sqlite3.Connection, task: str, version: int, state: End, words: str) -> None:
    """End the task's job that waits for this version, if one does, in the caller's transaction."""
    job = open_job(db, task)
    if job is None or job.state != "awaiting approval":
        return
    outcome = json.loads(job.outcome)
    if outcome.get("version") == version:
        db.execute(
            "UPDATE jobs SET state=?, ended_at=?, outcome=? WHERE id=?",
            (state, moment(), json.dumps({**outcome, "words": words}), job.id),
        )


def open_job(db: sqlite3.Connection, task: str) -> Job | None:
    row = db.execute(f"SELECT * FROM jobs WHERE task = ? AND {OPEN}", (task,)).fetchone()
    return Job(**dict(row)) if row else None


def held(job: Job, alive: Callable[[str], bool | None]) -> bool:
    """Whether the job's worker still works on it."""
    seen = alive(job.worker or "")
    return fresh(job) if seen is None else seen


def fresh(job: Job) -> bool:
    beat = datetime.fromisoformat(job.heartbeat_at or job.requested_at)
    # a beat far ahead was made before the clock was set back, and nothing was heard since
    return abs(datetime.now(UTC) - beat) < LEASE


def moment() -> str:
    return datetime.now(UTC).isoformat()
