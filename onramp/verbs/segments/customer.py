"""Say in which segments a customer is, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from onramp.console import show
from onramp.options import Place, common

if TYPE_CHECKING:
    from segments.customer import CustomerSegments, Membership, Reason


@click.command()
@common
@click.argument("customer_id", metavar="ID")
def command(place: Place, customer_id: str) -> None:
    """Say in which segments a customer is, and why.

    Every condition is shown with the customer's value, by the newest features that are built.
    """
    from segments.customer import customer_segments

    report = customer_segments(place.home, customer_id)
    show(report, lines(report), as_json=place.as_json)


def lines(report: CustomerSegments) -> list[str]:
    """The page a person reads."""
    stale = ", too old to answer for today" if report.stale else ""
    scores = [
        f"score: {one.role} {said(one.score)} of 5 ({one.feature} is {said(one.value)})"
        for one in report.scores
    ]
    return [
        f"{report.customer_id} at {report.moment:%Y-%m-%d %H:%M} UTC{stale}",
        *(line for one in report.segments for line in told(one, "in", "not in")),
        *(line for one in report.stage for line in told(one, "stage", "past stage")),
        *scores,
        *(f"{name}: {said(value)}" for name, value in report.classes.items()),
    ]


def told(one: Membership, yes: str, no: str) -> list[str]:
    """Whether the customer is in it, and each condition with the value it is held against."""
    return [
        f"{yes if one.member else no}: {one.label} ({one.rule})",
        *(f"  {reason_line(reason)}" for reason in one.reasons),
    ]


def reason_line(reason: Reason) -> str:
    return (
        f"{'yes' if reason.met else 'no ':3}  {reason.condition}: "
        f"{reason.feature} is {said(reason.value)}"
    )


def said(value: float | str | None) -> str:
    """A value as people write it."""
    if value is None:
        return "missing"
    return value if isinstance(value, str) else f"{round(value, 2):g}"
