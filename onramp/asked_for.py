"""Retrain jobs that a person asks for, cancels or has tried again."""

from __future__ import annotations

from datetime import datetime

from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.job import Job
from lifecycle.jobs import Jobs
from lifecycle.task import Task


def open_by_hand(
    home: Home, task: Task, *, actor: str, because: str, as_of: datetime | None
) -> Job:
    """Open a job for the task, unless one is open; returns the open one."""
    now = as_of or EventStore(home).as_of(home.dataset())
    return Jobs(home).request(task.name, why=because, by=actor, as_of=now)[0]
