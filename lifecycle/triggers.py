"""Is a retrain due? One pure function over what is known; nothing here reads a store or a clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lifecycle.job import Job
from lifecycle.job_states import ANSWERS, ENDS, JUDGED, OF_MONITORING, Trigger
from lifecycle.ledger import MONITOR, Entry
from lifecycle.retraining import OLDEST
from lifecycle.task import Task

ENOUGH_TIMES = 2  # of what was learned from in haste, in labels since, are worth another look
HOLDS_OFF = JUDGED | {"failed", "dead letter"}  # ends after which the next is not opened at once


@dataclass(frozen=True, kw_only=True)
class Said:
    """The last verdict of monitoring; times on the data's clock.

    Attributes:
        version: that it is about; None: the row does not say.
        trigger: of the job, where it is to retrain.
    """

    verdict: str
    why: str
    as_of: datetime
    version: int | None = None
    trigger: Trigger = "decay"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the stores say of a task.

    Attributes:
        champion: the version; None: there is none, and a first one is a person's to train.
        trained_as_of: until when it knew the data.
        said: the last verdict.
        new_labels: labels that have ripened since it, or the last job, was trained; None: not
            counted.
        window_days: how far back the champion learned; 0: as far as there was anything.
    """

    champion: int | None = None
    trained_as_of: datetime | None = None
    said: Said | None = None
    new_labels: int | None = None
    window_days: int = 0


@dataclass(frozen=True, kw_only=True)
class Due:
    """Why a job is to be opened now."""

    trigger: Trigger
    why: str


def due(task: Task, jobs: Sequence[Job], facts: Facts, now: datetime) -> Due | None:
    """What opens a job now, by the order of what is worst to miss.

    Args:
        task: as the data set asks it.
        jobs: all of the task's.
        facts: see there.
        now: on the data's clock.
    """
    if facts.champion is None or any(job.state not in ENDS for job in jobs):
        return None
    said = facts.said
    if said is not None and said.verdict == "broken data":
        return None
    if said is not None and said.verdict == "retrain" and stands(said, jobs, facts):
        return Due(trigger=said.trigger, why=said.why)
    if cooling(task, jobs, now):
        return None
    return too_old(task, jobs, facts, now) or hasty(jobs, facts, now) or enough_labels(task, facts)


def stands(said: Said, jobs: Iterable[Job], facts: Facts) -> bool:
    """Whether that verdict still asks for a retrain.

    It does not once another version serves than the one it was about, or once a job that something
    was wrong for was opened on its data, or later.
    """
    moved = said.version is not None and said.version != facts.champion
    return not moved and not any(as_of(job) >= said.as_of for job in jobs if job.trigger in ANSWERS)


def cooling(task: Task, jobs: Iterable[Job], now: datetime) -> bool:
    """Whether a job that was done is too near. One as of later than now is nearer still."""
    wait = timedelta(days=task.retraining.cooldown_days)
    return any(now - as_of(job) < wait for job in jobs if job.state in HOLDS_OFF)


def trained_until(jobs: Iterable[Job], facts: Facts) -> datetime | None:
    """Until when the data were known to the champion, or to whatever was judged against it since.

    A challenger that was refused answers the schedule, too: else it would be asked every day.
    """
    judged = [as_of(job) for job in jobs if job.state in JUDGED]
    known = [facts.trained_as_of] if facts.trained_as_of else []
    return max(known + judged, default=None)


def too_old(task: Task, jobs: Iterable[Job], facts: Facts, now: datetime) -> Due | None:
    """The schedule, by the age of what the model knows."""
    oldest = OLDEST.get(task.retraining.schedule)
    until = trained_until(jobs, facts)
    if oldest is None or until is None or now - until < oldest:
        return None
    days = (now - until) / timedelta(days=1)
    return Due(
        trigger="schedule",
        why=f"No data since {until:%Y-%m-%d %H:%M} was learnt from, {days:.1f} days ago; "
        f"version {facts.champion} may be {oldest.days} days old "
        f"({task.retraining.schedule} schedule).",
    )


def hasty(jobs: Iterable[Job], facts: Facts, now: datetime) -> Due | None:
    """Once, after the world had changed and there was little yet to learn the new one from."""
    judged = [job for job in jobs if job.state in JUDGED]
    last = max(judged, key=as_of, default=None)
    if last is None or last.trigger not in OF_MONITORING or last.version != facts.champion:
        return None
    days = facts.window_days
    if last.state != "promoted" or not days or now - as_of(last) < timedelta(ENOUGH_TIMES * days):
        return None
    return Due(
        trigger="labels",
        why=f"Version {facts.champion} answered {last.trigger} with what {days} days could teach; "
        f"labels of {ENOUGH_TIMES} times as many have come since.",
    )


def enough_labels(task: Task, facts: Facts) -> Due | None:
    enough = task.retraining.new_labels
    if enough is None or facts.new_labels is None or facts.new_labels < enough:
        return None
    return Due(
        trigger="labels",
        why=f"{facts.new_labels:,} labels have ripened since version {facts.champion} or its last "
        f"challenger was trained; {enough:,} are enough.",
    )


def last_said(rows: Iterable[Entry]) -> Said | None:
    """The verdict about the newest window, and of several about it the last."""
    verdicts = [row for row in rows if row.actor == MONITOR and "as_of" in row.evidence]
    newest = max(verdicts, key=lambda row: (of_data(row), row.number), default=None)
    if newest is None:
        return None
    return Said(
        verdict=newest.decision,
        why=newest.why,
        as_of=of_data(newest),
        version=int(newest.version) if newest.version else None,
        trigger=newest.evidence.get("trigger") or "decay",
    )


def of_data(row: Entry) -> datetime:
    return datetime.fromisoformat(row.evidence["as_of"])


def as_of(job: Job) -> datetime:
    return datetime.fromisoformat(job.as_of)
