"""A retrain job as a value, and what time makes of it. Nothing here reads a store or a clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lifecycle.job_states import DEADLINES, LONGEST_PAUSE, State, Trigger

LEASE = timedelta(minutes=10)
NEWER = timedelta(hours=1)  # two that ask in the same moment ask for the same


@dataclass(frozen=True, kw_only=True)
class Job:
    """One retrain job; every time is ISO 8601, UTC, but `as_of`: that is the data's own.

    Attributes:
        worker: who has it, or had it last.
        attempts: how often it was claimed.
        outcome: JSON: how it ended, in words.
        state_at: since when it is in its state.
        version: that it trained, once it has.
        failures: attempts that came to nothing, since it was asked for or a person tried again.
        problem: of the last of them; of a dead letter, why it is one.
        next_try_at: not claimed before; None: at once.
        told: the last state that people were told of.
    """

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
    trigger: Trigger = "hand"
    state_at: str = ""
    version: int | None = None
    failures: int = 0
    problem: str = ""
    next_try_at: str | None = None
    told: str = ""

    @property
    def words(self) -> str:
        """How it ended, or how it stands."""
        return str(json.loads(self.outcome).get("words", "")) or self.problem


def held(job: Job, alive: Callable[[str], bool | None], now: datetime) -> bool:
    """Whether the job's worker still works on it."""
    seen = alive(job.worker or "")
    return fresh(job, now) if seen is None else seen


def fresh(job: Job, now: datetime) -> bool:
    beat = datetime.fromisoformat(job.heartbeat_at or job.requested_at)
    # a beat far ahead was made before the clock was set back, and nothing was heard since
    return abs(now - beat) < LEASE


def waits(job: Job, now: datetime) -> bool:
    """Whether it is to be tried again, and not yet."""
    if job.next_try_at is None:
        return False
    pause = datetime.fromisoformat(job.next_try_at) - now
    # a longer one was written before the clock was set back
    return timedelta(0) < pause <= LONGEST_PAUSE


def past_deadline(job: Job, now: datetime) -> bool:
    limit = DEADLINES.get(job.state)
    return limit is not None and now - datetime.fromisoformat(job.state_at) > limit


def moot(job: Job, as_of: datetime) -> bool:
    """Whether nobody has begun it and a request of these data makes it superfluous."""
    newer = as_of - datetime.fromisoformat(job.as_of) >= NEWER
    return newer and job.state == "requested" and not job.attempts


def hours(state: State) -> str:
    return f"{DEADLINES[state] / timedelta(hours=1):g}"
