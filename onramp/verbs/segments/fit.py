"""Learn segments from behaviour."""

from __future__ import annotations

from datetime import datetime

import click

from onramp.console import show
from onramp.options import Place, as_of_option, common


@click.command()
@common
@as_of_option
@click.option("--seed", type=int, default=0, show_default=True)
def command(place: Place, as_of: datetime | None, seed: int) -> None:
    """Learn segments from behaviour.

    Several clusterings are tried and the best one is kept; its segments keep their names over
    time. `onramp segments refresh` then computes everybody's.
    """
    from lifecycle.event_store import EventStore
    from segments.behaviour import fit

    now = as_of or EventStore(place.home).as_of(place.home.dataset())
    report = fit(place.home, as_of=now, seed=seed, progress=place.progress)
    show(report, report.lines(), as_json=place.as_json)
