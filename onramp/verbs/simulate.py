"""Make an onboarding event log whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lifecycle.errors import UsageError
from onramp.console import show
from onramp.options import Place, common, moment

if TYPE_CHECKING:
    from simulator import Drift

KINDS = ("covariate", "prior", "concept", "broken", "blank")


@click.command()
@common
@click.option("--customers", type=click.IntRange(min=1), default=20_000, show_default=True)
@click.option("--days", type=click.IntRange(min=1), default=270, show_default=True,
              help="Days of sign-ups.")  # fmt: skip
@click.option("--more-days", type=click.IntRange(min=0), default=0, show_default=True,
              help="Days to add after the history; extends what is there.")  # fmt: skip
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--drift", multiple=True, metavar="KIND@DATE[/DATE]",
              help=f"From a date on, or until another: {', '.join(KINDS)}. "
              "May be given several times.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path),
              help="Folder to write; default: simulated/ in the home.")  # fmt: skip
def command(  # noqa: PLR0913, PLR0917  one parameter an option
    place: Place,
    customers: int,
    days: int,
    more_days: int,
    seed: int,
    drift: tuple[str, ...],
    out: Path | None,
) -> None:
    """Make an onboarding event log whose truth is known.

    Writes customers and one file of events a day, and beside them the truth, which is never
    ingested. The same numbers give the same files.
    """
    from simulator import simulate

    report = simulate(
        out or place.home.root / "simulated",
        customers=customers,
        days=days,
        more_days=more_days,
        seed=seed,
        drift=tuple(parse(text) for text in drift),
        progress=place.progress,
    )
    show(report, report.lines(), as_json=place.as_json)


def parse(text: str) -> Drift:
    """Read `concept@2026-09-01`, or `concept@2026-09-01/2026-10-01`."""
    from simulator import Drift

    kind, _, dates = text.partition("@")
    since, until = (
        moment(None, None, date or None)  # type: ignore[arg-type]  # a callback without its context
        for date in dates.partition("/")[::2]
    )
    if kind not in KINDS or since is None:
        raise UsageError(
            f"{text!r} is no drift.",
            do=f"Write KIND@DATE or KIND@DATE/DATE with KIND one of {', '.join(KINDS)}.",
        )
    return Drift(kind=kind, since=since, until=until)  # type: ignore[arg-type]  # checked the line above
