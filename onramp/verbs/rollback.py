"""Put an earlier version back in the champion's place, at once."""

from __future__ import annotations

import click

from onramp.console import show
from onramp.options import Place, common


@click.command()
@common
@click.argument("task_name", metavar="TASK")
@click.option("--to", type=click.IntRange(min=1), metavar="N",
              help="Default: the version that was champion before.")  # fmt: skip
@click.option("--because", default="", metavar="TEXT", help="Why, for the ledger.")
def command(place: Place, task_name: str, to: int | None, because: str) -> None:
    """Put an earlier version back in the champion's place, at once.

    Nothing is trained and the gate is not asked; the version must load and repeat its recorded
    predictions. Said twice, the second takes the first back.

    Exit code 0: it is the champion. 3: it cannot be served, and nothing moved. 4: there is
    nothing to roll back to.
    """
    from tasks import find
    from training.promotion.rollback import rollback

    report = rollback(place.home, find(task_name).name, to=to, actor=place.actor, because=because)
    show(report, report.lines(), as_json=place.as_json)
