"""Compute the segments of every built moment, and tell Feast."""

from __future__ import annotations

import click

from onramp.console import show
from onramp.options import Place, common


@click.command()
@common
@click.option("--refit", is_flag=True, help="Fit the edges of the scores on today's customers.")
def command(place: Place, refit: bool) -> None:
    """Compute the segments of every built moment, and tell Feast.

    `onramp features` does this too. Call it when only the segments changed: a rule, the learnt
    behaviour, or with --refit the edges between the scores.
    """
    from onramp.refresh import refresh_segments

    report = refresh_segments(place.home, refit=refit, progress=place.progress)
    show(report, report.lines(), as_json=place.as_json)
