"""The retrain job: claim, prepare, train, judge, promote or refuse, close. Nobody watches it.

It may be killed at any point. The job stays open and claimed; the next worker sees that the
one before it is dead, takes the job over and does it again: Optuna's journal hands back the
trials that were done, a version that was registered carries the job's number and is not trained
twice, and a promotion that had gone through has ended the job in the same transaction. Where the
task asks for a person, the job waits: `onramp approve` or `onramp reject` ends it, and no other is
opened before. What failed in a way that may pass is tried again, later and later.
"""

from __future__ import annotations

import sqlite3
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from lifecycle.errors import Busy, OnrampError
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.job import Job
from lifecycle.job_states import State, fault_of
from lifecycle.jobs import Jobs
from lifecycle.moves import Moves
from lifecycle.notify import tell
from lifecycle.progress import Progress, silent
from lifecycle.registry import Registry
from lifecycle.task import Task
from lifecycle.worker import alive, me
from onramp.job_report import ENDED, EXITS, OUTCOMES, RetrainReport, idle, waiting
from onramp.refresh import refresh
from training.promotion.move import settle
from training.promotion.promote import Moving, promote
from training.promotion.report import PromotionReport
from training.run import train

HEARTBEAT_SECONDS = 20.0
JOB_TAG = "job"  # on the version that a job trained
HINDRANCES = (Busy, sqlite3.Error, OSError)


class TakenOver(Busy):
    """The job is another worker's, or over."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long the search, or in seconds the whole training, may take; None: as the task says."""

    trials: int | None = None
    seconds: float | None = None


def prepare(home: Home, as_of: datetime, progress: Progress) -> None:
    """Bring the features up to date."""
    refresh(home, as_of=as_of, online=False, progress=progress)


def learn(
    home: Home, task: Task, job: Job, as_of: datetime, budget: Budget, progress: Progress
) -> int:
    """Train and register; returns the version, which carries the job's number."""
    return train(
        home, task, as_of=as_of, trials=budget.trials, seconds=budget.seconds,
        progress=progress, tags={JOB_TAG: job.id}, regained=answers(task, job),
    ).version  # fmt: skip


def judge(
    home: Home, task: Task, number: int, actor: str, as_of: datetime, moving: Moving
) -> PromotionReport:
    """Put the version through the gate."""
    return promote(home, task, version=number, actor=actor, as_of=as_of, moving=moving)


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What a job does, in order; each may be killed and is repeated."""

    prepare: Callable[[Home, datetime, Progress], None] = prepare
    learn: Callable[[Home, Task, Job, datetime, Budget, Progress], int] = learn
    judge: Callable[[Home, Task, int, str, datetime, Moving], PromotionReport] = judge


def retrain(
    home: Home,
    task: Task,
    *,
    as_of: datetime | None = None,
    budget: Budget = Budget(),
    progress: Progress = silent,
    steps: Steps = Steps(),
) -> RetrainReport:
    """Work off the task's open job, if it has one, and tell whoever wants to know how it ended.

    Raises:
        Busy: a living worker has the job, or took it over from this one.
    """
    report = work_off(home, task, as_of=as_of, budget=budget, progress=progress, steps=steps)
    return replace(report, notes=tell(home))


def work_off(
    home: Home, task: Task, *, as_of: datetime | None, budget: Budget, progress: Progress,
    steps: Steps,
) -> RetrainReport:  # fmt: skip
    """As `retrain`, and nobody is told."""
    if Moves(home).open(task.name):
        settle(home, Registry(home), task.name)
    jobs = Jobs(home)
    job = jobs.claim(task.name, me(), alive=alive)
    if job is None:
        return idle(jobs.open(task.name), task.name)
    with heartbeat(jobs, job) as lost:
        try:
            given = Work(jobs=jobs, job=job, as_of=as_of, budget=budget, lost=lost, steps=steps)
            return closed(given, work(home, task, given, progress))
        except TakenOver:
            raise
        except (KeyboardInterrupt, SystemExit):
            jobs.release(job)  # nothing failed: a person stopped it
            raise
        except Exception as error:  # noqa: BLE001  the job runner: whatever it was, the job must close
            return stumbled(given, error)


@dataclass(frozen=True, kw_only=True)
class Work:
    """A claimed job; `lost` is set when it is no longer this worker's."""

    jobs: Jobs
    job: Job
    as_of: datetime | None = None
    budget: Budget = Budget()
    lost: threading.Event = field(default_factory=threading.Event)
    steps: Steps = Steps()

    def enter(self, state: State, version: int | None = None) -> None:
        """Go to the next state of the work.

        Raises:
            TakenOver: the job is no longer ours.
        """
        if self.lost.is_set() or self.jobs.advance(self.job, state, version=version) is None:
            raise taken_over(self.jobs, self.job)


def work(home: Home, task: Task, given: Work, progress: Progress) -> RetrainReport:
    """Bring the features up to date, train a challenger and put it through the gate.

    Raises:
        TakenOver: the job was taken over before an alias moved.
    """
    job, steps = given.job, given.steps
    asked_for = datetime.fromisoformat(job.as_of)
    now = given.as_of or max(newest(home), asked_for)
    steps.prepare(home, now, progress)  # also to judge: a killed worker's data may be older
    number = trained_before(home, task, job)
    if number is None:
        given.enter("training")
        number = steps.learn(home, task, job, now, given.budget, progress)
    given.enter("judging", number)
    judged = steps.judge(home, task, number, f"job {job.id}", now, lambda: given.enter("promoting"))
    return RetrainReport(
        task=task.name,
        outcome="awaiting approval" if judged.awaits else OUTCOMES[judged.decision],
        words=f"Job {job.id} ({job.why}) trained version {number}.",
        job_id=job.id,
        version=number,
        reasons=judged.verdict.reasons,
    )


def newest(home: Home) -> datetime:
    """Now, on the data set's clock."""
    return EventStore(home).as_of(home.dataset())


def answers(task: Task, job: Job) -> float:
    """The loss that the job is to make good: what monitoring no longer tolerates, or none.

    A drifted base rate costs probabilities, not ranking: there the gate has to see that ranking has
    lost nothing, which takes more rows.
    """
    return task.monitor.tolerated_loss if job.trigger == "decay" else 0.0


def trained_before(home: Home, task: Task, job: Job) -> int | None:
    """The version that a killed worker had registered for this job."""
    if job.attempts == 1:
        return None
    numbers = [
        version.number
        for version in Registry(home).versions(task.name)
        if version.tags.get(JOB_TAG) == job.id
    ]
    return max(numbers, default=None)


def closed(given: Work, report: RetrainReport) -> RetrainReport:
    """End the job, or let it wait for a person.

    A verdict that has a row in the ledger has ended it already, in that row's transaction.

    Raises:
        TakenOver: it is no longer ours, and did not end like this.
    """
    jobs, job = given.jobs, given.job
    outcome: dict[str, object] = {"version": report.version, "words": report.words}
    if report.outcome == "awaiting approval" and report.version is not None:
        done = jobs.wait(job, report.version, outcome)
    else:
        done = jobs.end(job, ENDED[report.outcome], outcome)
    if not done and jobs.named(job.id).state != report.outcome:
        raise taken_over(jobs, job)
    return report


def stumbled(given: Work, error: Exception) -> RetrainReport:
    """Close over an error, or have the job tried again if it is one that may pass.

    Raises:
        TakenOver: the job is no longer ours.
    """
    jobs, job = given.jobs, given.job
    words = str(error) if isinstance(error, OnrampError) else f"{type(error).__name__}: {error}"
    fault = fault_of(error)
    if fault is not None:
        kept = jobs.failed(job, fault, words)
        if kept is None:
            raise taken_over(jobs, job) from error
        if kept.state == "requested":
            return waiting(kept)
        return RetrainReport(
            task=job.task, outcome="dead letter", words=kept.problem, job_id=job.id
        )
    told = {"traceback": "".join(traceback.format_exception(error))}
    if not jobs.end(job, "failed", {"words": words}, told):
        raise taken_over(jobs, job) from error
    code = error.exit_code if isinstance(error, OnrampError) else EXITS["failed"]
    return RetrainReport(
        task=job.task, outcome="failed", words=words, job_id=job.id, failure_code=code
    )


def taken_over(jobs: Jobs, job: Job) -> TakenOver:
    now = jobs.named(job.id)
    whose = f" by {now.worker}" if now.worker != job.worker else ""
    return TakenOver(
        f"Job {job.id} of {job.task} is no longer this worker's.",
        found=f"It is {now.state}{whose}: {now.words or 'this worker was too slow'}.",
        do="Leave it; `onramp jobs` shows how it ends.",
    )


@contextmanager
def heartbeat(jobs: Jobs, job: Job) -> Iterator[threading.Event]:
    """Say every 20 seconds that this worker lives; the event is set when the job is lost."""
    ended, lost = threading.Event(), threading.Event()

    def beat() -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            try:
                mine = jobs.beat(job)
            except HINDRANCES:  # a missed beat: the lease outlasts many
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
