"""A retrain job whose worker has trained a version and is about to judge it."""

from __future__ import annotations

from lifecycle.home import Home
from lifecycle.job import Job
from lifecycle.jobs import Jobs


def at_the_gate(home: Home, task: str, worker: str, version: int) -> Job:
    """The task's open job, claimed and brought there."""
    jobs = Jobs(home)
    mine = jobs.claim(task, worker)
    assert mine is not None
    there = jobs.advance(mine, "judging", version=version)
    assert there is not None
    return there
