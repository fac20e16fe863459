"""The retrain job: claim, train, judge, promote or refuse, close. Nobody watches it.

It may be killed at any point. The job stays open and claimed; the next worker sees that the
one before it is dead, takes the job over and does it again: Optuna's journal hands back the
trials that were done, a version that was registered carries the job's number and is not trained
twice, and a promotion that had gone through is found and not repeated. Where the task asks for a
person, the job waits: `onramp approve` or `onramp reject` ends it, and no other is opened before.
"""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from lifecycle.errors import Awaits, Busy, OnrampError, Refused, Undecided
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.jobs import End, Job, Jobs
from lifecycle.ledger import Entry, Ledger
from lifecycle.moves import Moves
from lifecycle.progress import Progress, silent
from lifecycle.registry import Registry
from lifecycle.task import Task
from lifecycle.worker import alive, me
from onramp.refresh import refresh
from training.promotion.move import settle
from training.promotion.promote import promote
from training.run import train

Outcome = Literal[
    "nothing to do", "promoted", "refused", "undecided", "awaiting approval", "failed"
]

HEARTBEAT_SECONDS = 20.0
JOB_TAG = "job"  # on the version that a job trained
OUTCOMES: Mapping[str, Outcome] = {
    "promote": "promoted",
    "refuse": "refused",
    "cannot judge": "undecided",
}
ENDED: Mapping[Outcome, End] = {
    "promoted": "promoted",
    "refused": "refused",
    "undecided": "undecided",
    "failed": "failed",
}
EXITS: Mapping[Outcome, int] = {
    "nothing to do": 0,
    "promoted": 0,
    "refused": Refused.exit_code,
    "undecided": Undecided.exit_code,
    "awaiting approval": Awaits.exit_code,
    "failed": 1,
}


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long the search, or in seconds the whole training, may take; None: as the task says."""

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
    failure_code: int = 1

    def lines(self) -> list[str]:
        return [f"{self.task}: {self.outcome}. {self.words}", *(f"  {r}" for r in self.reasons)]


def exit_code(report: RetrainReport) -> int:
    """The number a scheduler acts on."""
    return report.failure_code if report.outcome == "failed" else EXITS[report.outcome]


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
        Busy: a living worker has the job, or took it over from this one; or something that the
            work needs is held by another process, and then the job stays open.
    """
    if Moves(home).open(task.name):
        settle(home, Registry(home), task.name)
    jobs = Jobs(home)
    job = jobs.claim(task.name, me(), alive=alive)
    if job is None:
        return idle(jobs, task)
    with heartbeat(jobs, job) as lost:
        try:
            report = work(home, task, Work(job, as_of, budget, lost), progress)
        except Busy:
            jobs.release(job)
            raise
        except Exception as error:  # noqa: BLE001  the job runner: whatever it was, the job must close
            report = failed(home, task, job, error)
    if not closed(jobs, job, report):
        raise taken_over(job)
    return report


def idle(jobs: Jobs, task: Task) -> RetrainReport:
    """No job that a worker can do; one may wait for a person."""
    waiting = jobs.waiting(task.name)
    if waiting is None:
        return RetrainReport(
            task=task.name, outcome="nothing to do", words="No retrain job is open."
        )
    number = int(json.loads(waiting.outcome)["version"])
    return RetrainReport(
        task=task.name,
        outcome="awaiting approval",
        words=f"Job {waiting.id} ({waiting.why}) trained version {number}. "
        f"Say `onramp approve {task.name}` or `onramp reject {task.name} --because …`.",
        job_id=waiting.id,
        version=number,
    )


def closed(jobs: Jobs, job: Job, report: RetrainReport) -> bool:
    """End the job, or let it wait for a person; False when it is no longer ours."""
    outcome: dict[str, object] = {"version": report.version, "words": report.words}
    if report.outcome == "awaiting approval" and report.version is not None:
        return jobs.wait(job, report.version, outcome)
    ended = ENDED.get(report.outcome)
    return ended is None or jobs.end(job, ended, outcome)


def failed(home: Home, task: Task, job: Job, error: Exception) -> RetrainReport:
    """Close over an error: its words for people, its traceback for whoever mends it."""
    words = str(error) if isinstance(error, OnrampError) else f"{type(error).__name__}: {error}"
    evidence = {"job": job.id, "traceback": "".join(traceback.format_exception(error))}
    Ledger(home).append(
        Entry(
            actor=f"job {job.id}", task=task.name, decision="failed", why=words, evidence=evidence
        )
    )
    code = error.exit_code if isinstance(error, OnrampError) else EXITS["failed"]
    return RetrainReport(
        task=task.name, outcome="failed", words=words, job_id=job.id, failure_code=code
    )


@dataclass(frozen=True)
class Work:
    """A claimed job; `lost` is set when another worker has taken it over."""

    job: Job
    as_of: datetime | None
    budget: Budget
    lost: threading.Event


def work(home: Home, task: Task, given: Work, progress: Progress) -> RetrainReport:
    """Bring the features up to date, train a challenger and put it through the gate.

    Raises:
        Busy: the job was taken over before the gate.
    """
    job = given.job
    now = given.as_of or max(
        EventStore(home).as_of(home.dataset()), datetime.fromisoformat(job.as_of)
    )
    number = trained_before(home, task, job)
    if number is None:
        refresh(home, as_of=now, online=False, progress=progress)
        number = train(
            home, task, as_of=now, trials=given.budget.trials, seconds=given.budget.seconds,
            progress=progress, tags={JOB_TAG: job.id},
        ).version  # fmt: skip
    if given.lost.is_set():
        raise taken_over(job)
    judged = promote(home, task, version=number, actor=f"job {job.id}", as_of=now)
    return RetrainReport(
        task=task.name,
        outcome="awaiting approval" if judged.awaits else OUTCOMES[judged.decision],
        words=f"Job {job.id} ({job.why}) trained version {number}.",
        job_id=job.id,
        version=number,
        reasons=judged.verdict.reasons,
    )


def trained_before(home: Home, task: Task, job: Job) -> int | None:
    """The version that a killed worker had registered for this job."""
    numbers = [
        version.number
        for version in Registry(home).versions(task.name)
        if version.tags.get(JOB_TAG) == job.id
    ]
    return max(numbers, default=None)


def taken_over(job: Job) -> Busy:
    return Busy(
        f"Job {job.id} of {job.task} was taken over.",
        found="This worker was not heard of for too long.",
        do="Leave it to the other worker; `onramp status` shows how it ends.",
    )


@contextmanager
def heartbeat(jobs: Jobs, job: Job) -> Iterator[threading.Event]:
    """Say every 20 seconds that this worker lives; the event is set when the job is lost."""
    ended, lost = threading.Event(), threading.Event()

    def beat() -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            try:
                mine = jobs.beat(job)
            except Busy:  # a missed beat: the lease outlasts many
                continue
            if not mine:
                lost.set()
                return

    thread = threading.Thread(target=beat, name=f"heartbeat of {job.id}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        ended.set()
        thread.join()
