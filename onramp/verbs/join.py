"""Lend this machine's workers to a search that runs elsewhere."""

from __future__ import annotations

from datetime import datetime

import click

from onramp.console import show
from onramp.options import Place, as_of_option, common
from onramp.workers import workers_option


@click.command()
@common
@as_of_option
@click.argument("task_name", metavar="TASK")
@click.option("--storage", metavar="URL",
              help="Where the search is kept; default: this home's own.")  # fmt: skip
@workers_option
@click.option("--seed", type=int, default=0, show_default=True, help="The search's own.")
def command(
    place: Place,
    task_name: str,
    as_of: datetime | None,
    storage: str | None,
    workers: int,
    seed: int,
) -> None:
    """Lend this machine's workers to a search that runs elsewhere.

    Needs the same data, as-of time, seed and code as the `onramp train` that it helps, and ends
    when that search ends.
    """
    from training.candidate import Budget
    from training.join import join

    report = join(
        place.home,
        place.task(task_name),
        as_of=as_of,
        budget=Budget(seed=seed, workers=workers, storage=storage),
        progress=place.progress,
    )
    show(report, report.lines(), as_json=place.as_json)
