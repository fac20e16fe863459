"""Hold a challenger against the champion: unseen, or before some customers."""

from __future__ import annotations

import click

from lifecycle.errors import UsageError
from onramp.console import show
from onramp.options import Place, common


@click.command()
@common
@click.argument("task_name", metavar="TASK")
@click.option("--shadow", "step", flag_value="shadow",
              help="Score beside the champion; no answer changes.")  # fmt: skip
@click.option("--canary", type=float, metavar="PERCENT",
              help="Let it answer this share of the customers.")  # fmt: skip
@click.option("--stop", "step", flag_value="stop", help="The champion answers everybody again.")
@click.option("--status", "step", flag_value="status", help="How it stands; the default.")
@click.option("--version", type=click.IntRange(min=1), metavar="N",
              help="Default: the challenger, or the newest.")  # fmt: skip
@click.option("--because", default="", metavar="TEXT", help="Why, for the ledger.")
def command(
    place: Place, task_name: str, step: str | None, canary: float | None, version: int | None,
    because: str,
) -> None:  # fmt: skip
    """Hold a challenger against the champion: unseen, or before some customers.

    A running server follows within a second. In a canary it sends everybody back to the champion
    when the challenger fails, is slow or scores otherwise; `onramp history --why` tells.

    Exit code 0: done. 3: the version cannot be served. 4: there is none, or nothing to stop.
    5: another rollout is open. 10: the gate or a person has said no to the version.
    """
    from serving.rollout.report import report
    from serving.rollout.steps import begin, stop
    from tasks import find

    if canary is not None and step:
        raise UsageError("Which step?", do=f"Say --canary or --{step}.")
    if canary is not None and canary <= 0:
        raise UsageError(f"{canary:g} % of the customers is nobody.", do="Say --shadow or --stop.")
    task = find(task_name).name
    if canary is not None or step == "shadow":
        found = begin(
            place.home, task, share=canary or 0.0, version=version, actor=place.actor,
            because=because,
        )  # fmt: skip
    elif step == "stop":
        found = stop(place.home, task, actor=place.actor, because=because)
    else:
        found = report(place.home, task)
    show(found, list(found.lines()), as_json=place.as_json)
