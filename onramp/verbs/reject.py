"""Let a version that awaits approval wait no longer; say why."""

from __future__ import annotations

import click

from onramp.console import show
from onramp.options import Place, common


@click.command()
@common
@click.argument("task_name", metavar="TASK")
@click.option("--version", type=click.IntRange(min=1), help="Default: the newest that waits.")
@click.option("--because", required=True, metavar="TEXT", help="Why, for the ledger.")
def command(place: Place, task_name: str, version: int | None, because: str) -> None:
    """Let a version that awaits approval wait no longer; say why.

    The champion stays, and the retrain job that trained the version ends as refused.

    Exit code 0: rejected. 4: it does not await approval.
    """
    from lifecycle.notify import tell
    from tasks import find
    from training.promotion.approval import reject

    report = reject(
        place.home, find(task_name).name, version=version, actor=place.actor, because=because
    )
    tell(place.home)  # a job may have waited for this word
    show(report, report.lines(), as_json=place.as_json)
