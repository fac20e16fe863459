"""List the retrain jobs: why each was asked for, how it stands or ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from onramp.console import show, table
from onramp.options import Place, common, task_argument

if TYPE_CHECKING:
    from lifecycle.job import Job

NEWEST = 20


@click.command()
@common
@task_argument
@click.option("--newest", type=click.IntRange(min=1), default=NEWEST, show_default=True,
              help="How many.")  # fmt: skip
def command(place: Place, task_name: str | None, newest: int) -> None:
    """List the retrain jobs: why each was asked for, how it stands or ended."""
    from lifecycle.jobs import Jobs
    from tasks import find

    if task_name is not None:
        find(task_name)
    jobs = Jobs(place.home).read(task_name)[:newest]
    show(jobs, lines(jobs), as_json=place.as_json)


def lines(jobs: tuple[Job, ...]) -> list[str]:
    """One line a job, and below it what is to be known of it."""
    if not jobs:
        return ["No retrain job was asked for yet."]
    heading = ("job", "task", "state", "since", "trigger", "attempts", "next try")
    rows = [
        (job.id, job.task, job.state, job.state_at[:16], job.trigger, str(job.attempts),
         job.next_try_at[:19] if job.next_try_at else "–")
        for job in jobs
    ]  # fmt: skip
    title, *listed = table([heading, *rows])
    found = [title]
    for line, job in zip(listed, jobs, strict=True):
        found += [line, f"  why: {job.why}"]
        found += [f"  {job.words}"] if job.words else []
    return found
