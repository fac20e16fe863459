"""Search, fit, judge and register a model of one task."""

from __future__ import annotations

from datetime import datetime

import click

from onramp.console import show
from onramp.duration import budget_option
from onramp.options import Place, as_of_option, common
from onramp.workers import workers_option


@click.command()
@common
@as_of_option
@click.argument("task_name", metavar="TASK")
@click.option("--trials", type=click.IntRange(min=1), help="Stop the search after so many trials.")
@budget_option
@workers_option
@click.option("--storage", metavar="URL",
              help="A database that machines share, postgresql+psycopg://…")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True)
def command(  # noqa: PLR0913, PLR0917  one parameter an option
    place: Place,
    task_name: str,
    as_of: datetime | None,
    trials: int | None,
    seconds: float | None,
    workers: int,
    storage: str | None,
    seed: int,
) -> None:
    """Search, fit, judge and register a model of one task.

    The version that comes out is a candidate: `onramp promote` decides whether it serves.
    With --trials and no --budget, the same command makes the same model, by any number of
    workers.
    """
    from training.run import train

    report = train(
        place.home,
        place.task(task_name),
        as_of=as_of,
        trials=trials,
        seconds=seconds,
        workers=workers,
        storage=storage,
        seed=seed,
        progress=place.progress,
    )
    show(report, report.lines(), as_json=place.as_json)
