"""Opens the retrain jobs that are due: what a scheduler asks before it works jobs off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.job import Job
from lifecycle.job_states import OF_MONITORING
from lifecycle.jobs import Jobs
from lifecycle.ledger import MONITOR, Ledger
from lifecycle.registry import Registry
from lifecycle.task import Task
from lifecycle.triggers import Due, Facts, due, last_said, trained_until

ACTOR = "schedule"
NEWEST_VERDICTS = 50


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A job that was due."""

    job: Job
    due: Due


def open_due(home: Home, task: Task, *, as_of: datetime | None = None) -> Opened | None:
    """Open the task's job if one is due; None when none is.

    Args:
        home: where the stores are.
        task: as the data set asks it.
        as_of: default: now, on the data set's clock.
    """
    now = as_of or EventStore(home).as_of(home.dataset())
    jobs = Jobs(home)
    known = jobs.read(task.name)
    found = due(task, known, facts_of(home, task, known, now), now)
    if found is None:
        return None
    by = MONITOR if found.trigger in OF_MONITORING else ACTOR
    job, new = jobs.request(task.name, why=found.why, by=by, as_of=now, trigger=found.trigger)
    return Opened(job=job, due=found) if new else None


def facts_of(home: Home, task: Task, jobs: tuple[Job, ...], now: datetime) -> Facts:
    """What registry, ledger and labels say of the task."""
    registry = Registry(home)
    number = registry.aliases(task.name).get("champion")
    if number is None:
        return Facts()
    tags = registry.version(task.name, number).tags
    known = tags.get("as_of")
    rows = Ledger(home).select(
        "task = ? AND actor = ?", (task.name, MONITOR), newest=NEWEST_VERDICTS
    )
    facts = Facts(
        champion=number,
        trained_as_of=datetime.fromisoformat(known) if known else None,
        said=last_said(rows),
        window_days=int(tags.get("window_days", 0)),
    )
    until = trained_until(jobs, facts)
    if task.retraining.new_labels is None or until is None:
        return facts
    return replace(facts, new_labels=new_labels(home, task, until, now))


def new_labels(home: Home, task: Task, since: datetime, now: datetime) -> int:
    """Labels that are known now and were not then: ripened since, or held up by a silent pipe."""
    from features.labels import known  # noqa: PLC0415  # pandas and DuckDB, only where asked for

    return known(home, task, now) - known(home, task, since)
