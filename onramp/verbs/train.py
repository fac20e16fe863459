"""Search, fit, judge and register a model of one task."""

from __future__ import annotations

from datetime import datetime

import click

from onramp.console import show
from onramp.options import Place, as_of_option, common


@click.command()
@common
@as_of_option
@click.argument("task_name", metavar="TASK")
@click.option("--trials", type=click.IntRange(min=1), help="Stop the search after so many trials.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True),
              help="Stop the search after so many seconds.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True)
def command(
    place: Place,
    task_name: str,
    as_of: datetime | None,
    trials: int | None,
    seconds: float | None,
    seed: int,
) -> None:
    """Search, fit, judge and register a model of one task.

    The version that comes out is a candidate: `onramp promote` decides whether it serves.
    """
    from training.run import train

    report = train(
        place.home,
        place.task(task_name),
        as_of=as_of,
        trials=trials,
        seconds=seconds,
        seed=seed,
        progress=place.progress,
    )
    show(report, report.lines(), as_json=place.as_json)
