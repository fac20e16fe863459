"""Retrain jobs: at most one open job a task, claimed by compare-and-set.

requested → running → promoted | refused | undecided | failed

A worker that dies leaves its job running; once its heartbeat is older than `LEASE`, the next
worker takes the job over and does it again from the start.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from lifecycle.errors import Busy
from lifecycle.home import Home
from lifecycle.sqlite import transaction

State = Literal["requested", "running", "promoted", "refused", "undecided", "failed"]
End = Literal["promoted", "refused", "undecided", "failed"]

LEASE = timedelta(minutes=10)

SCHEMA = """
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
CREATE UNIQUE INDEX IF NOT EXISTS one_open_job_a_task ON jobs (task)
WHERE state IN ('requested', 'running');
"""


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
        with transaction(self.path, SCHEMA) as db:
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
        """Take the open job of the task, or None when there is none.

        Args:
            task: the job's task.
            worker: the name of who takes it.
            alive: whether the worker that has the job lives; None when that cannot be seen from
                here, and then its heartbeat decides.

        Raises:
            Busy: another worker has it and lives.
        """
        with transaction(self.path, SCHEMA) as db:
            job = open_job(db, task)
            if job is None:
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
        with transaction(self.path, SCHEMA) as db:
            cursor = db.execute(
                "UPDATE jobs SET heartbeat_at=? WHERE id=? AND worker=? AND state='running'",
                (moment(), job.id, job.worker),
            )
            return cursor.rowcount == 1

    def release(self, job: Job) -> bool:
        """Give the job back undone, for another time; False when it is no longer ours."""
        with transaction(self.path, SCHEMA) as db:
            cursor = db.execute(
                "UPDATE jobs SET state='requested', worker=NULL, heartbeat_at=NULL"
                " WHERE id=? AND worker=? AND state='running'",
                (job.id, job.worker),
            )
            return cursor.rowcount == 1

    def end(self, job: Job, state: End, outcome: dict[str, object]) -> bool:
        """Close the job; False when it was taken over and is not ours to close."""
        with transaction(self.path, SCHEMA) as db:
            cursor = db.execute(
                "UPDATE jobs SET state=?, ended_at=?, outcome=?"
                " WHERE id=? AND worker=? AND state='running'",
                (state, moment(), json.dumps(outcome, default=str), job.id, job.worker),
            )
            return cursor.rowcount == 1

    def read(self, task: str | None = None) -> tuple[Job, ...]:
        """Every job, newest first."""
        if not self.path.exists():
            return ()
        with transaction(self.path, SCHEMA) as db:
            rows = db.execute(
                "SELECT * FROM jobs WHERE ? IS NULL OR task = ? ORDER BY rowid DESC", (task, task)
            ).fetchall()
        return tuple(Job(**dict(row)) for row in rows)


def open_job(db: sqlite3.Connection, task: str) -> Job | None:
    row = db.execute(
        "SELECT * FROM jobs WHERE task = ? AND state IN ('requested', 'running')", (task,)
    ).fetchone()
    return Job(**dict(row)) if row else None


def held(job: Job, alive: Callable[[str], bool | None]) -> bool:
    """Whether the job's worker still works on it."""
    seen = alive(job.worker or "")
    return fresh(job) if seen is None else seen


def fresh(job: Job) -> bool:
    beat = datetime.fromisoformat(job.heartbeat_at or job.requested_at)
    return datetime.now(UTC) - beat < LEASE


def moment() -> str:
    return datetime.now(UTC).isoformat()
