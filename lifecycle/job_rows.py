"""Rows of the table of jobs: found and moved, each in the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime

from lifecycle import ledger
from lifecycle.job import Job, past_deadline
from lifecycle.job_states import DEADLINES, ENDS, RETRIES, WORKING, Fault, State, check
from lifecycle.job_table import OPEN
from lifecycle.ledger import Entry

RECORDED: frozenset[State] = frozenset(("failed", "superseded", "dead letter"))

OVERDUE: Mapping[State, str] = {
    "requested": "No worker has come for it within {days} days.",
    "awaiting approval": "Nobody has approved or rejected version {version} within {days} days.",
}


def put(  # noqa: PLR0913  # a row, where it goes, and what the ledger says of it
    db: sqlite3.Connection,
    job: Job,
    after: State,
    now: datetime,
    changed: Mapping[str, object],
    *,
    by: str = "",
    evidence: Mapping[str, object] | None = None,
) -> Job:
    """Move the job as it stands in the caller's transaction.

    Args:
        db: with the ledger as well.
        job: as it stands.
        after: the state it goes to.
        now: on the wall's clock.
        changed: column → value, where it changes.
        by: who ends it, for the ledger's row; the job itself by default.
        evidence: for that row, beside the job.

    Raises:
        UsageError: the table of moves does not have this one.
    """
    check(job.state, after)
    moment = now.isoformat()
    values = {
        "state": after,
        "state_at": moment,
        "heartbeat_at": moment if after in WORKING else None,
        "ended_at": moment if after in ENDS else None,
        "next_try_at": None,
        **changed,
    }
    named = ", ".join(f"{name}=?" for name in values)
    db.execute(f"UPDATE jobs SET {named} WHERE id=?", (*values.values(), job.id))
    moved = one(db, job.id)
    if after in RECORDED:
        ledger.write(db, entry_of(moved, by, evidence or {}))
    return moved


def entry_of(job: Job, by: str, evidence: Mapping[str, object]) -> Entry:
    """What the ledger says of an end that no gate has written down."""
    return Entry(
        actor=by or f"job {job.id}",
        task=job.task,
        decision=job.state,
        why=job.words,
        version=str(job.version) if job.version else None,
        evidence={"job": job.id, **evidence},
    )


def claimed(db: sqlite3.Connection, job: Job, worker: str, now: datetime) -> Job:
    return put(db, job, "preparing", now, {"worker": worker, "attempts": job.attempts + 1})


def charged(db: sqlite3.Connection, job: Job, fault: Fault, problem: str, now: datetime) -> Job:
    """Count one failure: the job is asked for again, after a pause, or becomes a dead letter."""
    failures, retry = job.failures + 1, RETRIES[fault]
    if failures >= retry.most:
        words = f"Given up after {failures} failures, the last: {problem}"
        told = {"failures": failures, "problem": words, "outcome": json.dumps({"words": words})}
        return put(db, job, "dead letter", now, told)
    pause = retry.pause(failures)
    again = {
        "worker": None,
        "failures": failures,
        "problem": problem,
        "next_try_at": (now + pause).isoformat() if pause else None,
    }
    return put(db, job, "requested", now, again)


def current(db: sqlite3.Connection, task: str, now: datetime) -> Job | None:
    """The open job, once one that nobody works on and that is overdue has become a dead letter."""
    job = open_job(db, task)
    if job is None or job.state not in OVERDUE or not past_deadline(job, now):
        return job
    words = OVERDUE[job.state].format(days=DEADLINES[job.state].days, version=job.version)
    outcome = json.dumps({**json.loads(job.outcome), "words": words})
    put(db, job, "dead letter", now, {"problem": words, "outcome": outcome})
    return None


def open_job(db: sqlite3.Connection, task: str) -> Job | None:
    row = db.execute(f"SELECT * FROM jobs WHERE task = ? AND {OPEN}", (task,)).fetchone()
    return Job(**dict(row)) if row else None


def dead_letter(db: sqlite3.Connection, task: str) -> Job | None:
    """The newest."""
    row = db.execute(
        "SELECT * FROM jobs WHERE task = ? AND state = 'dead letter' ORDER BY rowid DESC", (task,)
    ).fetchone()
    return Job(**dict(row)) if row else None


def one(db: sqlite3.Connection, job_id: str) -> Job:
    return Job(**dict(db.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()))


def ours(db: sqlite3.Connection, job: Job) -> Job | None:
    """The job as it stands, while this claim of it is the last one and its work is not over."""
    now = one(db, job.id)
    same = (now.worker, now.attempts) == (job.worker, job.attempts)
    return now if same and now.state in WORKING else None
