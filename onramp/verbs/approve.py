"""Make a version that awaits approval the champion."""

from __future__ import annotations

import click

from onramp.console import show
from onramp.options import Place, common
from onramp.verbs.promote import EXIT


@click.command()
@common
@click.argument("task_name", metavar="TASK")
@click.option("--version", type=click.IntRange(min=1), help="Default: the newest that waits.")
@click.option("--because", default="", metavar="TEXT", help="Why, for the ledger.")
def command(place: Place, task_name: str, version: int | None, because: str) -> int:
    """Make a version that awaits approval the champion.

    If another version has become champion since, the gate judges again, against that one.

    Exit code 0: it is the champion. 3: it cannot be served. 4: it does not await approval. 5:
    another change of the champion is under way. 10, 11: judged again, and refused, or the gate
    could not judge.
    """
    from lifecycle.notify import tell
    from training.promotion.approval import approve

    report = approve(
        place.home, place.task(task_name), version=version, actor=place.actor, because=because
    )
    tell(place.home)  # a job may have waited for this word
    show(report, report.lines(), as_json=place.as_json)
    return EXIT[report.decision]
