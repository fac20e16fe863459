"""Draw the profile of a task's training set as one page."""

from __future__ import annotations

from datetime import datetime

import click

from onramp.console import show
from onramp.options import Place, as_of_option, common


@click.command()
@common
@as_of_option
@click.argument("task_name", metavar="TASK")
@click.option("--quick", is_flag=True, help="Leave out the plots of each column.")
def command(place: Place, task_name: str, as_of: datetime | None, quick: bool) -> None:
    """Draw the profile of a task's training set as one page.

    What is in it, what is missing and when, the balance of the answers over time, and which
    features tell of the label. One HTML file below the home's reports.
    """
    from onramp.profile import profile

    report = profile(place.home, place.task(task_name), as_of=as_of, plots=not quick)
    show(report, report.lines(), as_json=place.as_json)
