"""Work off the open retrain jobs: train, judge, promote or refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import click

from lifecycle.errors import UsageError
from onramp.duration import budget_option
from onramp.each import each, show_each
from onramp.options import Place, all_option, as_of_option, common, task_argument
from onramp.recorded import recorded

if TYPE_CHECKING:
    from lifecycle.job import Job
    from lifecycle.task import Task


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a person, or a scheduler, wants of jobs before any is worked off."""

    now: bool = False
    due: bool = False
    cancel: bool = False
    retry: bool = False
    trust: str = ""
    because: str = "by hand"
    as_of: datetime | None = None

    def __post_init__(self) -> None:
        if self.now + self.due + self.cancel + self.retry + bool(self.trust) > 1:
            raise UsageError(
                "One of --now, --due, --cancel, --retry and --trust at a time.",
                do="Leave out all but one.",
            )


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """A job that was put away."""

    task: str
    job: Job

    def lines(self) -> list[str]:
        """What a person reads."""
        return [f"{self.task}: job {self.job.id} is {self.job.state}. {self.job.words}"]


@dataclass(frozen=True, kw_only=True)
class Trusted:
    """A span that a person says was mended, and the ledger's row of it."""

    task: str
    span: str
    row: int

    def lines(self) -> list[str]:
        """What a person reads."""
        return [f"{self.task}: {self.span} is learnt from again (ledger row {self.row})."]


@click.command()
@common
@recorded("retrain")
@as_of_option
@task_argument
@all_option
@click.option("--now", is_flag=True, help="Open a job by hand first.")
@click.option("--due", is_flag=True, help="Open the jobs first that are due.")
@click.option("--cancel", is_flag=True, help="Put away the open job, or the last dead letter.")
@click.option("--retry", is_flag=True, help="Try a waiting job, or the last dead letter, at once.")
@click.option("--trust", metavar="FROM/TO",
              help="Say that broken data were mended, as 2026-04-06/2026-04-13.")  # fmt: skip
@click.option("--because", default="by hand", show_default=True,
              help="Why: --now, --cancel or --trust.")  # fmt: skip
@click.option("--trials", type=click.IntRange(min=1), help="Stop the search after so many trials.")
@budget_option
def command(  # noqa: PLR0913, PLR0917  one parameter an option
    place: Place,
    task_name: str | None,
    as_of: datetime | None,
    everything: bool,
    now: bool,
    due: bool,
    cancel: bool,
    retry: bool,
    trust: str | None,
    because: str,
    trials: int | None,
    seconds: float | None,
) -> int:
    """Work off the open retrain jobs: train, judge, promote or refuse.

    Exit code 0: promoted, or there was nothing to do (--json says which). 10: refused.
    11: the gate could not judge. 13: it awaits approval. 1 or 3: it failed. 4: something must be
    made first. 5: held by another process, or it failed in a way that may pass; the job stays
    open and is tried again.
    """
    from onramp.job_report import exit_code
    from onramp.retrain import Budget, retrain

    asked = Asked(
        now=now, due=due, cancel=cancel, retry=retry, trust=trust or "", because=because,
        as_of=as_of,
    )  # fmt: skip
    tasks = place.chosen(task_name, everything)
    if asked.cancel:
        return cancelled(place, tasks, because)
    if asked.trust:
        return trusted(place, tasks, asked)
    budget = Budget(trials=trials, seconds=seconds)

    def act(task: Task) -> object:
        prepare(place, task, asked)
        return retrain(place.home, task, as_of=as_of, budget=budget, progress=place.progress)

    reports, code = each(tasks, act, exit_code)
    show_each(reports, as_json=place.as_json)
    return code


def prepare(place: Place, task: Task, asked: Asked) -> None:
    """Open the job, or have it tried at once, if that is what was asked."""
    from lifecycle.jobs import Jobs
    from onramp.asked_for import open_by_hand
    from onramp.due import open_due

    if asked.now:
        open_by_hand(place.home, task, actor=place.actor, because=asked.because, as_of=asked.as_of)
    elif asked.due:
        open_due(place.home, task, as_of=asked.as_of)
    elif asked.retry:
        Jobs(place.home).retry(task.name)


def cancelled(place: Place, tasks: Mapping[str, Task], because: str) -> int:
    """Put away each task's job; who wants to know is told."""
    from lifecycle.jobs import Jobs
    from lifecycle.notify import tell

    jobs = Jobs(place.home)
    reports, code = each(
        tasks,
        lambda task: Cancelled(
            task=task.name, job=jobs.cancel(task.name, by=place.actor, because=because)
        ),
        lambda _: 0,
    )
    tell(place.home)
    show_each(reports, as_json=place.as_json)
    return code


def trusted(place: Place, tasks: Mapping[str, Task], asked: Asked) -> int:
    """Let data be learnt from again that monitoring called broken."""
    from lifecycle.broken_spans import read, trust

    try:
        (span,) = read(asked.trust)
    except ValueError as error:
        raise UsageError(
            f"{asked.trust!r} is no span of time.", do="Write it as 2026-04-06/2026-04-13."
        ) from error
    reports, code = each(
        tasks,
        lambda task: Trusted(
            task=task.name, span=str(span),
            row=trust(place.home, task.name, span, actor=place.actor, because=asked.because),
        ),
        lambda _: 0,
    )  # fmt: skip
    show_each(reports, as_json=place.as_json)
    return code
