"""Say everything about one segment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from onramp.console import show
from onramp.options import Place, common

if TYPE_CHECKING:
    from segments.standing import Standing


@click.command()
@common
@click.argument("name")
def command(place: Place, name: str) -> None:
    """Say everything about one segment.

    NAME is that of a segment, a stage or a class; where several have it, all are shown.
    """
    from segments.standing import standing

    report = standing(place.home)
    found = report.named(name)
    text = [line for one in found for line in lines(one, report.customers)]
    show(found, text, as_json=place.as_json)


def lines(one: Standing, customers: int) -> list[str]:
    """One segment's paragraph."""
    return [
        f"{one.label} ({one.column}.{one.name})",
        *([f"  {one.description}"] if one.description else []),
        f"  rule: {one.rule}",
        f"  {one.size:,} of {customers:,} customers, {one.share:.1%}"
        + ("" if one.change is None else f" ({100 * one.change:+.1f} points)"),
        *([f"  warning: {one.warning}"] if one.warning else []),
    ]
