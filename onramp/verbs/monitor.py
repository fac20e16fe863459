"""Compare what was served with the reference; say what to do."""

from __future__ import annotations

from datetime import datetime

import click

from lifecycle.errors import DataError
from onramp.each import each, show_each
from onramp.options import Place, all_option, as_of_option, common, task_argument
from onramp.recorded import recorded


@click.command()
@common
@recorded("monitor")
@as_of_option
@task_argument
@all_option
@click.option("--why", "explain", is_flag=True,
              help="Explain the last verdict, rule by rule; look at nothing anew.")  # fmt: skip
def command(
    place: Place, task_name: str | None, as_of: datetime | None, everything: bool, explain: bool
) -> int:
    """Compare what was served with the reference; say what to do.

    Exit code 0, whatever the verdict; only *broken data* ends in 3, because somebody must look.
    """
    if explain:
        return explained(place, task_name, everything)
    from lifecycle.event_store import EventStore
    from monitoring.monitor import monitor

    now = as_of or EventStore(place.home).as_of(place.home.dataset())
    reports, code = each(
        place.chosen(task_name, everything),
        lambda task: monitor(place.home, task, as_of=now, progress=place.progress),
        lambda report: DataError.exit_code if report.verdict == "broken data" else 0,
    )
    show_each(reports, as_json=place.as_json)
    return code


def explained(place: Place, task_name: str | None, everything: bool) -> int:
    """Show why the last verdict of each chosen task came out as it did."""
    from onramp.why import why

    reports, code = each(
        place.chosen(task_name, everything), lambda task: why(place.home, task.name), lambda _: 0
    )
    show_each(reports, as_json=place.as_json)
    return code
