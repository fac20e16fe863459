"""Find where stores disagree or are damaged; mend what is safe to mend."""

from __future__ import annotations

import click

from lifecycle.errors import DataError
from onramp.console import show
from onramp.options import Place, common


@click.command()
@common
@click.option("--mend", is_flag=True, help="Do what is safe; each mend is a row of the ledger.")
def command(place: Place, mend: bool) -> int:
    """Find where stores disagree or are damaged; mend what is safe to mend.

    Exit code 0: nothing is wrong, or nothing is any more. 3: something is left.
    5: a promotion is under way.
    """
    from tasks import supported
    from training.promotion.doctor.examine import doctor

    tasks = tuple(supported(place.home.dataset()))
    report = doctor(place.home, tasks, mend=mend, actor=place.actor)
    show(report, report.lines(), as_json=place.as_json)
    return DataError.exit_code if report.left else 0
