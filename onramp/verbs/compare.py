"""Hold two versions of a task against each other."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onramp.console import show, table
from onramp.options import Place, as_of_option, common

if TYPE_CHECKING:
    from training.promotion.side_by_side.values import Comparison
    from training.report.section import Table

MOST_ROWS = 20  # of one table on a terminal
WIDE = 100
MOST_LETTERS = 60  # of one cell

NUMBER = click.IntRange(min=1)


@click.command()
@common
@as_of_option
@click.argument("task_name", metavar="TASK")
@click.argument("first", type=NUMBER)
@click.argument("second", type=NUMBER)
@click.option("--metric", help="What slices are compared by; default: what the task optimises.")
@click.option("--slice", "by", multiple=True, metavar="FEATURE",
              help="Slice by this feature; may be repeated. Default: every category.")  # fmt: skip
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write one page with pictures, too.")  # fmt: skip
def command(  # noqa: PLR0913  # one for each option
    place: Place, task_name: str, *, first: int, second: int, as_of: datetime | None,
    metric: str | None, by: tuple[str, ...], html: Path | None,
) -> None:  # fmt: skip
    """Hold two versions of a task against each other.

    On rows that neither has seen, with paired intervals; and in what was recorded of each.
    Nothing is decided: exit code 0 whichever is better.
    """
    from lifecycle.whole import write_whole
    from training.promotion.side_by_side.compare import compare
    from training.promotion.side_by_side.told import page_of

    task = place.task(task_name)
    found = compare(place.home, task, first, second, metric=metric, by=by, as_of=as_of)
    written = [write_whole(html, page_of(found))] if html else []
    said = [*lines(found), *(f"Written to {path}." for path in written)]
    show(found, said, as_json=place.as_json)


def lines(found: Comparison) -> Iterator[str]:
    """The page a person reads: the same tables as the HTML page, long ones cut."""
    from training.promotion.side_by_side.told import both_named, sections_of, title_of

    yield title_of(found)
    yield from (found.question, f"Versions: {both_named(found)}")
    for note in found.notes:
        yield from wrapped(f"Note: {note}")
    for section in sections_of(found):
        yield from ("", section.title.upper())
        yield from wrapped(section.words)
        for one in section.tables.values():
            yield from as_text(one)


def wrapped(words: str) -> list[str]:
    """Lines that a terminal holds."""
    return [line for part in words.splitlines() for line in textwrap.wrap(part, WIDE)]


def as_text(found: Table) -> Iterator[str]:
    """A table as the page shows it, in columns."""
    from training.report.page import laid_out

    laid = laid_out("", found)
    names = [name for name, _ in laid.columns]
    cells = [[shortened(cell) for cell in row] for row in laid.rows[:MOST_ROWS]]
    for line in table([names, *cells]):
        yield f"  {line}"
    if len(found.rows) > MOST_ROWS:
        yield f"  … and {len(found.rows) - MOST_ROWS:,} more: --json or --html FILE has them."


def shortened(cell: str) -> str:
    return cell if len(cell) <= MOST_LETTERS else f"{cell[: MOST_LETTERS - 1]}…"
