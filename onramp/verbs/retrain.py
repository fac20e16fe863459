"""Work off the open retrain jobs: train, judge, promote or refuse."""

from __future__ import annotations

from datetime import datetime

import click

from onramp.console import show
from onramp.options import Place, all_option, as_of_option, common, task_argument


@click.command()
@common
@as_of_option
@task_argument
@all_option
@click.option("--now", is_flag=True, help="Open a job by hand first.")
@click.option("--because", default="by hand", show_default=True, help="Why, with --now.")
@click.option("--trials", type=click.IntRange(min=1), help="Stop the search after so many trials.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True),
              help="Stop the search after so many seconds.")  # fmt: skip
def command(  # noqa: PLR0913, PLR0917  one parameter an option
    place: Place,
    task_name: str | None,
    as_of: datetime | None,
    everything: bool,
    now: bool,
    because: str,
    trials: int | None,
    seconds: float | None,
) -> int:
    """Work off the open retrain jobs: train, judge, promote or refuse.

    Exit code 0: promoted, or there was nothing to do (--json says which). 10: refused.
    11: the gate could not judge. 1: it failed. 5: another worker has the job.
    """
    from onramp.retrain import Budget, exit_code, open_by_hand, retrain

    tasks = place.chosen(task_name, everything).values()
    if now:
        for task in tasks:
            open_by_hand(place.home, task, actor=place.actor, because=because, as_of=as_of)
    budget = Budget(trials=trials, seconds=seconds)
    reports = [
        retrain(place.home, task, as_of=as_of, budget=budget, progress=place.progress)
        for task in tasks
    ]
    show(reports, [line for report in reports for line in report.lines()], as_json=place.as_json)
    return max(map(exit_code, reports), default=0)
