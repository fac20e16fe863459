"""Put a version through the gate; make it champion if it passes."""

from __future__ import annotations

from datetime import datetime

import click

from lifecycle.errors import Awaits, Refused, Undecided
from onramp.console import show
from onramp.options import Place, as_of_option, common

EXIT = {"promote": 0, "refuse": Refused.exit_code, "cannot judge": Undecided.exit_code}


@click.command()
@common
@as_of_option
@click.argument("task_name", metavar="TASK")
@click.option("--version", type=click.IntRange(min=1), help="Default: the newest.")
def command(place: Place, task_name: str, as_of: datetime | None, version: int | None) -> int:
    """Put a version through the gate; make it champion if it passes.

    Exit code 0: it is the champion. 2: there is no such version. 4: there is none yet. 5: another
    change of the champion is under way. 10: refused, rolled back from or
    rejected. 11: the gate could not judge. 13: it awaits approval.
    """
    from lifecycle.notify import tell
    from training.promotion.promote import promote

    report = promote(
        place.home, place.task(task_name), version=version, actor=place.actor, as_of=as_of
    )
    tell(place.home)  # a job may have waited for this word
    show(report, report.lines(), as_json=place.as_json)
    return Awaits.exit_code if report.awaits else EXIT[report.decision]
