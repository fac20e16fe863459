"""Write the data dictionary of this home as one page."""

from __future__ import annotations

import click

from onramp.console import show
from onramp.options import Place, common


@click.command()
@common
def command(place: Place) -> None:
    """Write the data dictionary of this home as one page.

    One HTML file below the home's reports, which a browser opens without a network.
    """
    from onramp.dictionary import write_page

    report = write_page(place.home)
    show(report, report.lines(), as_json=place.as_json)
