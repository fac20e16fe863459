"""Work off the open retrain jobs: train, judge, promote or refuse."""

from __future__ import annotations

from datetime import datetime

import click

from onramp.duration import budget_option
from onramp.each import each, show_each
from onramp.options import Place, all_option, as_of_option, common, task_argument


@click.command()
@common
@as_of_option
@task_argument
@all_option
@click.option("--now", is_flag=True, help="Open a job by hand first.")
@click.option("--because", default="by hand", show_default=True, help="Why, with --now.")
@click.option("--trials", type=click.IntRange(min=1), help="Stop the search after so many trials.")
@budget_option
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
    11: the gate could not judge. 13: it awaits approval. 1 or 3: it failed. 4: something must be
    made first. 5: held by another process; the job stays open.
    """
    from onramp.retrain import Budget, exit_code, open_by_hand, retrain

    tasks = place.chosen(task_name, everything)
    if now:
        for task in tasks.values():
            open_by_hand(place.home, task, actor=place.actor, because=because, as_of=as_of)
    budget = Budget(trials=trials, seconds=seconds)
    reports, code = each(
        tasks,
        lambda task: retrain(place.home, task, as_of=as_of, budget=budget, progress=place.progress),
        exit_code,
    )
    show_each(reports, as_json=place.as_json)
    return code
