"""The retrain job: claim, train, judge, promote or refuse, close. Nobody watches it.

It may be killed at any point. The job stays open and claimed; the next worker sees that the
one before it is dead, takes the job over and does it again: Optuna's journal hands back the
trials that were done, and a promotion that had gone through is found and not repeated.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import psutil

from lifecycle.errors import Refused, Undecided
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.jobs import End, Job, Jobs
from lifecycle.ledger import Entry, Ledger
from lifecycle.progress import Progress, silent
from lifecycle.task import Task
from onramp.refresh import refresh
from training.promotion import promote
from training.train import train

Outcome = Literal["nothing to do", "promoted", "refused", "undecided", "failed"]

HEARTBEAT_SECONDS = 20.0
ENDS: Mapping[str, End] = {"promote": "promoted", "refuse": "refused", "cannot judge": "undecided"}
EXITS: Mapping[Outcome, int] = {
    "nothing to do": 0,
    "promoted": 0,
    "refused": Refused.exit_code,
    "undecided": Undecided.exit_code,
    "failed": 1,
}


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long the search may take; None: as the task says."""

    trials: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class RetrainReport:
    task: str
    outcome: Outcome
    words: str
    job_id: str | None = None
    version: int | None = None
    reasons: tuple[str, ...] = field(default=())

    def lines(self) -> list[str]:
        return [f"{self.task}: {self.outcome}. {self.words}", *(f"  {r}" for r in self.reasons)]


def exit_code(report: RetrainReport) -> int:
    """The number a scheduler acts on."""
    return EXITS[report.outcome]


def open_by_hand(
    home: Home, task: Task, *, actor: str, because: str, as_of: datetime | None
) -> None:
    """Open a job for the task, unless one is open."""
    now = as_of or EventStore(home).as_of(home.dataset())
    job, new = Jobs(home).request(task.name, why=because, by=actor, as_of=now)
    if new:
        Ledger(home).append(
            Entry(actor=actor, task=task.name, decision="retrain", why=because,
                  evidence={"job": job.id})
        )  # fmt: skip


def retrain(
    home: Home,
    task: Task,
    *,
    as_of: datetime | None = None,
    budget: Budget = Budget(),
    progress: Progress = silent,
) -> RetrainReport:
    """Work off the task's open job, if it has one.

    Raises:
        Busy: a living worker has the job.
    """
    jobs = Jobs(home)
    job = jobs.claim(task.name, me(), alive=alive)
    if job is None:
        return RetrainReport(
            task=task.name, outcome="nothing to do", words="No retrain job is open."
        )
    with heartbeat(jobs, job):
        try:
            report = work(home, task, job, as_of, budget, progress)
        except Exception as error:  # noqa: BLE001  the job runner: whatever it was, the job must close
            report = RetrainReport(
                task=task.name, outcome="failed", words=f"{type(error).__name__}: {error}",
                job_id=job.id,
            )  # fmt: skip
            Ledger(home).append(
                Entry(actor=f"job {job.id}", task=task.name, decision="failed", why=report.words)
            )
    if report.outcome != "nothing to do":
        jobs.end(job, report.outcome, {"version": report.version, "words": report.words})
    return report


def work(
    home: Home,
    task: Task,
    job: Job,
    as_of: datetime | None,
    budget: Budget,
    progress: Progress,
) -> RetrainReport:  # fmt: skip
    """Bring the features up to date, train a challenger and put it through the gate."""
    now = as_of or max(EventStore(home).as_of(home.dataset()), datetime.fromisoformat(job.as_of))
    refresh(home, as_of=now, progress=progress)
    trained = train(
        home, task, as_of=now, trials=budget.trials, seconds=budget.seconds, progress=progress
    )
    judged = promote(home, task, version=trained.version, actor=f"job {job.id}", as_of=now)
    outcome = ENDS[judged.decision]
    return RetrainReport(
        task=task.name,
        outcome=outcome,
        words=f"Job {job.id} ({job.why}) trained version {trained.version}.",
        job_id=job.id,
        version=trained.version,
        reasons=judged.verdict.reasons,
    )


def me() -> str:
    """This worker: machine, process and when it began, for a process number is used again."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def alive(worker: str) -> bool | None:
    """Whether a worker lives; None when it is on another machine and cannot be seen."""
    host, pid, began = worker.rsplit("/", 2)
    if host != socket.gethostname():
        return None
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" == began
    except psutil.NoSuchProcess:
        return False


@contextmanager
def heartbeat(jobs: Jobs, job: Job) -> Iterator[None]:
    """Say every 20 seconds that this worker lives, until the block ends."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            jobs.beat(job)

    thread = threading.Thread(target=beat, name=f"heartbeat of {job.id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
