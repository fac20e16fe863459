"""What `onramp retrain` came to: in words, and as the number that a scheduler acts on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lifecycle.errors import Awaits, Busy, Refused, Undecided
from lifecycle.job import Job
from lifecycle.job_states import End

Outcome = Literal[
    "nothing to do", "promoted", "refused", "undecided", "awaiting approval", "failed",
    "waiting", "dead letter",
]  # fmt: skip

OUTCOMES: Mapping[str, Outcome] = {
    "promote": "promoted",
    "refuse": "refused",
    "cannot judge": "undecided",
}
ENDED: Mapping[Outcome, End] = {
    "promoted": "promoted",
    "refused": "refused",
    "undecided": "undecided",
}
EXITS: Mapping[Outcome, int] = {
    "nothing to do": 0,
    "promoted": 0,
    "refused": Refused.exit_code,
    "undecided": Undecided.exit_code,
    "awaiting approval": Awaits.exit_code,
    "waiting": Busy.exit_code,
    "dead letter": 1,
    "failed": 1,
}


@dataclass(frozen=True, kw_only=True)
class RetrainReport:
    """What became of a task's open job.

    Attributes:
        outcome: waiting: it failed, and is tried again at `next_try_at`.
        failure_code: the exit code of what failed.
        notes: whom nobody could tell so far.
    """

    task: str
    outcome: Outcome
    words: str
    job_id: str | None = None
    version: int | None = None
    reasons: tuple[str, ...] = field(default=())
    failure_code: int = 1
    next_try_at: str | None = None
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """What a person reads."""
        more = (*self.reasons, *self.notes)
        return [f"{self.task}: {self.outcome}. {self.words}", *(f"  {line}" for line in more)]


def exit_code(report: RetrainReport) -> int:
    """The number a scheduler acts on."""
    return report.failure_code if report.outcome == "failed" else EXITS[report.outcome]


def idle(job: Job | None, task: str) -> RetrainReport:
    """No job that a worker can do now: one may wait for a person, or for its next try."""
    if job is None:
        return RetrainReport(task=task, outcome="nothing to do", words="No retrain job is open.")
    if job.state != "awaiting approval":
        return waiting(job)
    return RetrainReport(
        task=task,
        outcome="awaiting approval",
        words=f"Job {job.id} ({job.why}) trained version {job.version}. "
        f"Say `onramp approve {task}` or `onramp reject {task} --because …`.",
        job_id=job.id,
        version=job.version,
    )


def waiting(job: Job) -> RetrainReport:
    """It failed in a way that may pass."""
    return RetrainReport(
        task=job.task,
        outcome="waiting",
        words=f"Job {job.id} ({job.why}) is tried again after {when(job)}: {job.problem} "
        f"`onramp retrain {job.task} --retry` tries at once.",
        job_id=job.id,
        next_try_at=job.next_try_at,
    )


def when(job: Job) -> str:
    """Its next try, to the second."""
    return f"{job.next_try_at[:19]} UTC" if job.next_try_at else "now"
