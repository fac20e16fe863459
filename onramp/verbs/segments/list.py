"""List the segments with their sizes; warn of those that are too small."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import click

from onramp.console import show, table
from onramp.options import Place, common

if TYPE_CHECKING:
    from segments.standing import SegmentsStanding, Standing

TITLES = {
    "lifecycle_stage": "Lifecycle: each customer is in one stage, the first whose rule is met",
    "rfm_segment": "RFM: recency, frequency and monetary value, in fifths of the customers",
    "behaviour_segment": "Behaviour: learnt, not written",
}
SEGMENTS = "Segments: a customer may be in several"


@click.command()
@common
def command(place: Place) -> None:
    """List the segments with their sizes; warn of those that are too small.

    A customer counts whose newest features still answer at the newest refresh: whoever is
    onboarding. The change is of the share, in percentage points since the refresh before.
    """
    from segments.standing import standing

    report = standing(place.home)
    show(report, lines(report), as_json=place.as_json)


def lines(report: SegmentsStanding) -> list[str]:
    """The page a person reads."""
    since = f", change since {report.before:%Y-%m-%d %H:%M}" if report.before else ""
    text = [f"{report.customers:,} customers at {report.as_of:%Y-%m-%d %H:%M} UTC{since}"]
    for title, group in groupby(report.groups, key=lambda one: TITLES.get(one.column, SEGMENTS)):
        text += ["", title, *table([heading(report), *map(row, group)])]
    notes = [*(f"note: {note}" for note in report.notes),
             *(f"left out: {reason}" for reason in report.left_out)]  # fmt: skip
    return [*text, *(["", *notes] if notes else []), "", f"Rules: {report.file}"]


def heading(report: SegmentsStanding) -> tuple[str, ...]:
    return ("label", "name", "customers", "share", "change" if report.before else "", "rule", "")


def row(one: Standing) -> tuple[str, ...]:
    change = "" if one.change is None else f"{100 * one.change:+.1f}"
    warning = f"! {one.warning}" if one.warning else ""
    rule = one.rule if one.column != "behaviour_segment" else ""
    return (one.label, one.name, f"{one.size:,}", f"{one.share:.1%}", change, rule, warning)
