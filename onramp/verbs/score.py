"""Score every customer whose moment fell due, and log it."""

from __future__ import annotations

from datetime import datetime

import click

from onramp.each import each, show_each
from onramp.options import Place, all_option, as_of_option, common, task_argument
from onramp.recorded import recorded


@click.command()
@common
@recorded("score")
@as_of_option
@task_argument
@all_option
def command(place: Place, task_name: str | None, as_of: datetime | None, everything: bool) -> int:
    """Score every customer whose moment fell due, and log it.

    Carries on where the last score ended; doing it again adds nothing.
    """
    from lifecycle.event_store import EventStore
    from serving.batch import score

    now = as_of or EventStore(place.home).as_of(place.home.dataset())
    reports, code = each(
        place.chosen(task_name, everything),
        lambda task: score(place.home, task, as_of=now, progress=place.progress),
        lambda _: 0,
    )
    show_each(reports, as_json=place.as_json)
    return code
