"""Make a version again from what was recorded of it, and compare."""

from __future__ import annotations

import click

from lifecycle.errors import Differs
from onramp.console import show
from onramp.options import Place, common

EXIT = {"identical": 0, "within tolerance": 0, "different": Differs.exit_code}


@click.command()
@common
@click.argument("task_name", metavar="TASK")
@click.argument("version", type=click.IntRange(min=1))
def command(place: Place, task_name: str, version: int) -> int:
    """Make a version again from what was recorded of it, and compare.

    The training set is assembled as of then and the model fitted by its recipe, without a
    search. Nothing is registered. Exit code 0: the same files, or the same answers within the
    tolerance. 12: different, with what is known of why.
    """
    from training.reproduce import reproduce

    report = reproduce(place.home, place.task(task_name), version, place.progress)
    show(report, report.lines(), as_json=place.as_json)
    return EXIT[report.verdict]
