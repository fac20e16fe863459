"""Check every table, from customers to training sets; quarantine what is wrong."""

from __future__ import annotations

from datetime import datetime

import click

from onramp.console import show
from onramp.options import Place, as_of_option, common


@click.command()
@common
@as_of_option
@click.option("--leaks", is_flag=True, help="Plant a future and look for features that see it.")
def command(place: Place, as_of: datetime | None, leaks: bool) -> int:
    """Check every table, from customers to training sets; quarantine what is wrong.

    Types, bounds, keys and freshness of customers, events, each view of features and each
    task's training set. Built rows that break a bound are moved to quarantine with the reason;
    rows of the event store stay where they are and are told. Exit code 3 when anything is wrong
    or could not be told.
    """
    from onramp.checked import check_all

    report = check_all(place.home, as_of=as_of, leaks=leaks)
    show(report, report.lines(), as_json=place.as_json)
    return report.exit_code
