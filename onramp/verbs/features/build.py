"""Compute features, register them with Feast, refresh the online store."""

from __future__ import annotations

from datetime import datetime

import click

from onramp.console import show
from onramp.options import Place, as_of_option, common
from onramp.recorded import recorded


@click.command()
@common
@recorded("features")
@as_of_option
def command(place: Place, as_of: datetime | None) -> int:
    """Compute features, register them with Feast, refresh the online store.

    Computes the moments that fell due since the last time, and for everybody still onboarding
    the vector of this moment, which is what the server answers from.
    """
    from onramp.refresh import refresh

    report = refresh(place.home, as_of=as_of, progress=place.progress)
    show(report, report.lines(), as_json=place.as_json)
    return report.exit_code
