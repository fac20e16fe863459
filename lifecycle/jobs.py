"""Retrain jobs: at most one open job a task, claimed by compare-and-set.

What may follow what stands in `lifecycle.job_states`. Whoever works on a job holds its number of
attempts as a token: once another has claimed it, nothing that the first still says counts. A
worker that dies leaves its job in a working state; when it is seen dead, or was not heard of for
the lease, or the state has lasted longer than its deadline, the next worker takes the job over and
does it again from the start. A job that awaits approval is open, but no worker's: a person approves
or rejects its version, which ends it.

The ledger's row of a request by hand or by a clock, and of an end that the gate has not written, is
of the same transaction.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from lifecycle import ledger
from lifecycle.errors import Busy, NotReady
from lifecycle.home import Home
from lifecycle.job import Job, held, hours, moot, past_deadline, waits
from lifecycle.job_rows import charged, claimed, current, dead_letter, one, open_job, ours, put
from lifecycle.job_states import ENDS, MOVES, OF_MONITORING, WORKING, End, Fault, State, Trigger
from lifecycle.job_table import opened
from lifecycle.ledger import Entry


def unseen(worker: str) -> bool | None:  # noqa: ARG001
    """Nothing is known of any worker."""
    return None


def wall() -> datetime:
    return datetime.now(UTC)


class Jobs:
    def __init__(self, home: Home, clock: Callable[[], datetime] = wall) -> None:
        self.path, self.clock = home.platform, clock

    def request(
        self, task: str, *, why: str, by: str, as_of: datetime, trigger: Trigger = "hand"
    ) -> tuple[Job, bool]:
        """Open a job, or return the open one; the flag says whether it is new.

        An open one that nobody has begun gives way to a request of later data. The ledger has a
        row of it, but where monitoring asks: its verdict is the row.
        """
        with opened(self.path) as db:
            now = self.clock()
            found = current(db, task, now)
            if found is not None:
                if not moot(found, as_of):
                    return found, False
                words = f"Superseded by a request as of {as_of:%Y-%m-%d %H:%M}: {why}"
                put(db, found, "superseded", now, {"outcome": json.dumps({"words": words})}, by=by)
            job_id = uuid.uuid4().hex[:12]
            db.execute(
                "INSERT INTO jobs (id, task, state, why, requested_by, requested_at, state_at,"
                " as_of, trigger) VALUES (?, ?, 'requested', ?, ?, ?, ?, ?, ?)",
                (job_id, task, why, by, now.isoformat(), now.isoformat(), as_of.isoformat(),
                 trigger),
            )  # fmt: skip
            made = one(db, job_id)
            if trigger in OF_MONITORING:
                return made, True
            evidence = {"job": job_id, "trigger": trigger, "as_of": made.as_of}
            ledger.write(
                db, Entry(actor=by, task=task, decision="retrain", why=why, evidence=evidence)
            )
            return made, True

    def claim(
        self, task: str, worker: str, *, alive: Callable[[str], bool | None] = unseen
    ) -> Job | None:
        """Take the open job of the task, or None when there is none that a worker can do now.

        Args:
            task: the job's task.
            worker: the name of who takes it.
            alive: whether the worker that has the job lives; None when that cannot be seen from
                here, and then its heartbeat decides.

        Raises:
            Busy: another worker has it, lives, and is in time.
        """
        with opened(self.path) as db:
            now = self.clock()
            job = current(db, task, now)
            if job is None or job.state == "awaiting approval" or waits(job, now):
                return None
            if job.state == "requested" or job.worker == worker:
                return claimed(db, job, worker, now)
            overdue = past_deadline(job, now)
            if not overdue and held(job, alive, now):
                raise Busy(
                    f"Job {job.id} of {task} is being worked on.",
                    found=f"Worker {job.worker}, last heard of at {job.heartbeat_at}.",
                    do="Leave it, or try again when that worker has ended.",
                )
            died = f"Worker {job.worker} died while {job.state}."
            late = f"Worker {job.worker} was {job.state} for more than {hours(job.state)} hours."
            fault, problem = ("overdue", late) if overdue else ("killed", died)
            failed = charged(db, job, fault, problem, now)  # type: ignore[arg-type]  # mypy widens it
            return None if failed.state in ENDS else claimed(db, failed, worker, now)

    def advance(self, job: Job, after: State, *, version: int | None = None) -> Job | None:
        """Go to the next state; None when the job is no longer ours."""
        with opened(self.path) as db:
            mine = ours(db, job)
            if mine is None:
                return None
            return put(db, mine, after, self.clock(), {"version": version or mine.version})

    def beat(self, job: Job) -> bool:
        """Say that the worker lives; False when the job is no longer its own."""
        with opened(self.path) as db:
            mine = ours(db, job)
            if mine is not None:
                db.execute(
                    "UPDATE jobs SET heartbeat_at=? WHERE id=?",
                    (self.clock().isoformat(), mine.id),
                )
            return mine is not None

    def release(self, job: Job) -> bool:
        """Give the job back undone, for another time; False when it is no longer ours."""
        return self._leave(job, "requested", {"worker": None})

    def failed(self, job: Job, fault: Fault, problem: str) -> Job | None:
        """Have it tried again after a pause, or no more; None when it is no longer ours."""
        with opened(self.path) as db:
            mine = ours(db, job)
            return None if mine is None else charged(db, mine, fault, problem, self.clock())

    def end(
        self, job: Job, state: End, outcome: Mapping[str, object],
        evidence: Mapping[str, object] | None = None,
    ) -> bool:  # fmt: skip
        """Close the job; False when it was taken over and is not ours to close.

        Args:
            job: as it was claimed.
            state: how it ended.
            outcome: `words`, and whatever else people may want to know of it.
            evidence: for the ledger's row, where the gate has not written one.
        """
        told = json.dumps(outcome, default=str)
        return self._leave(job, state, {"outcome": told}, evidence)

    def wait(self, job: Job, version: int, outcome: Mapping[str, object]) -> bool:
        """Let the job wait for a person to approve this version; False when it is not ours."""
        told = json.dumps({**outcome, "version": version}, default=str)
        return self._leave(job, "awaiting approval", {"outcome": told, "version": version})

    def _leave(
        self, job: Job, after: State, changed: Mapping[str, object],
        evidence: Mapping[str, object] | None = None,
    ) -> bool:  # fmt: skip
        with opened(self.path) as db:
            mine = ours(db, job)
            if mine is not None:
                put(db, mine, after, self.clock(), changed, evidence=evidence)
            return mine is not None

    def cancel(self, task: str, *, by: str, because: str) -> Job:
        """Put away the open job, else the newest dead letter, because a person says so.

        Raises:
            NotReady: there is neither.
            UsageError: it is promoting, which nothing stops.
        """
        with opened(self.path) as db:
            job = open_job(db, task) or dead_letter(db, task)
            if job is None:
                raise nothing(task, "cancel")
            outcome = json.dumps({"words": f"Cancelled by {by}: {because}"})
            return put(db, job, "superseded", self.clock(), {"outcome": outcome}, by=by)

    def retry(self, task: str) -> Job:
        """Have a job that waits for its next try, else the newest dead letter, tried at once.

        Raises:
            Busy: an open job is being worked on.
            NotReady: there is none to try again.
        """
        with opened(self.path) as db:
            job = open_job(db, task) or dead_letter(db, task)
            if job is None or job.state == "awaiting approval":
                raise nothing(task, "try again")
            if job.state in WORKING:
                raise Busy(
                    f"Job {job.id} of {task} is {job.state}.",
                    found=f"Worker {job.worker}, last heard of at {job.heartbeat_at}.",
                    do="`onramp retrain` takes it over if that worker is dead.",
                )
            if job.state == "dead letter":
                put(
                    db, job, "requested", self.clock(),
                    {"worker": None, "told": "", "outcome": "{}"},
                )  # fmt: skip
            db.execute("UPDATE jobs SET next_try_at=NULL, failures=0 WHERE id=?", (job.id,))
            return one(db, job.id)

    def open(self, task: str) -> Job | None:
        """The open job of the task."""
        if not self.path.exists():
            return None
        with opened(self.path) as db:
            return current(db, task, self.clock())

    def waiting(self, task: str) -> Job | None:
        """The job of the task that waits for a person."""
        job = self.open(task)
        return job if job and job.state == "awaiting approval" else None

    def named(self, job_id: str) -> Job:
        """The job of that number, as it stands."""
        with opened(self.path) as db:
            return one(db, job_id)

    def read(self, task: str | None = None) -> tuple[Job, ...]:
        """Every job, newest first."""
        if not self.path.exists():
            return ()
        with opened(self.path) as db:
            rows = db.execute(
                "SELECT * FROM jobs WHERE ? IS NULL OR task = ? ORDER BY rowid DESC", (task, task)
            ).fetchall()
        return tuple(Job(**dict(row)) for row in rows)

    def told(self, job: Job) -> None:
        """People were told of its state, as it was read."""
        with opened(self.path) as db:
            db.execute(
                "UPDATE jobs SET told = state WHERE id = ? AND state = ? AND state_at = ?",
                (job.id, job.state, job.state_at),
            )


def decided(db: sqlite3.Connection, task: str, version: int, state: End, words: str) -> None:
    """End the task's job that trained this version, if one is there, in the caller's transaction.

    So the ledger's row and the end of the job are written together: no kill comes between them.
    """
    job = open_job(db, task)
    if job is not None and job.version == version and state in MOVES[job.state]:
        outcome = json.dumps({**json.loads(job.outcome), "version": version, "words": words})
        put(db, job, state, wall(), {"outcome": outcome})


def nothing(task: str, act: str) -> NotReady:
    return NotReady(
        f"There is no job of {task} to {act}.",
        found="None is open, and none is a dead letter.",
        do=f"`onramp retrain {task} --now --because …` opens one; `onramp jobs` lists them.",
    )
