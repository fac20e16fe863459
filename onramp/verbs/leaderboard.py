"""Compare every training of a task: the best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from onramp.console import share, show, table
from onramp.options import Place, common

if TYPE_CHECKING:
    from training.leaderboard import Exam, Leaderboard, Standing

ALSO = ("log_loss", "roc_auc", "accuracy", "ece")  # shown beside the metric that ranks
RUN_LETTERS = 8
ALONE = 1


@click.command()
@common
@click.argument("task_name", metavar="TASK")
@click.option("--by", metavar="METRIC", help="What ranks; default: what the task optimises.")
def command(place: Place, task_name: str, by: str | None) -> None:
    """Compare every training of a task: the best first.

    Trainings are ranked among those that were judged on the very same test rows. What is ahead
    by less than noise is not better: `onramp promote` tests that on rows that neither has seen.
    """
    from training.leaderboard import leaderboard

    found = leaderboard(place.home, place.task(task_name), by)
    show(found, lines(found), as_json=place.as_json)


def lines(found: Leaderboard) -> list[str]:
    """The page a person reads."""
    better = "higher" if found.higher_is_better else "lower"
    shown = [f"{found.task} by {found.by} ({better} is better)"]
    for exam in found.exams:
        shown += ["", heading(exam), *table(rows(exam, found.by))]
    if len(found.exams) > ALONE:
        shown += ["", "Numbers of different test rows cannot be compared."]
    if found.unfinished:
        shown += ["", f"Runs without an end, and so without numbers: {found.unfinished}."]
    return shown


def heading(exam: Exam) -> str:
    """Which rows."""
    size = "the same" if exam.rows is None else f"the same {exam.rows:,}"
    when = f", moments from {exam.first} to {exam.last}" if exam.first else ""
    return f"On {size} test rows{when}"


def rows(exam: Exam, by: str) -> list[tuple[str, ...]]:
    """The exam as a table; its heading first."""
    measured = {name for one in exam.standings for name in one.metrics}
    metrics = [by, *(name for name in ALSO if name != by and name in measured)]
    head = ("rank", "version", *metrics, f"baseline {by}", "model", "trials", "trained", "verdict",
            "run")  # fmt: skip
    return [head, *(row(one, metrics) for one in exam.standings)]


def row(one: Standing, metrics: list[str]) -> tuple[str, ...]:
    version = str(one.version or "–") + "".join(f" {alias}" for alias in one.aliases)
    balanced = "" if one.balancing == "none" else f", {one.balancing}"
    baseline = "–" if one.baseline is None else f"{one.baseline[1]:.4f} {one.baseline[0]}"
    return (
        str(one.rank or "–"),
        version,
        *(share(one.metrics.get(name)) for name in metrics),
        baseline,
        f"{one.algorithms}{balanced}",
        str(one.trials),
        f"{one.at:%Y-%m-%d %H:%M}",
        one.verdict,
        one.run_id[:RUN_LETTERS],
    )
