"""List the features and who uses them."""

from __future__ import annotations

import click

from onramp.console import show, table
from onramp.options import Place, common


@click.command()
@common
@click.argument("pattern", default="*")
@click.option("--view", help="Only those of one view, such as customer_profile.")
def command(place: Place, pattern: str, view: str | None) -> None:
    """List the features and who uses them.

    PATTERN is a name or, as in a shell, many: 'count_*_7d'. Quote it.
    """
    from onramp.described import chosen, describe, users_of

    used_by = users_of(place.home)
    found = [describe(one, used_by) for one in chosen(place.home, pattern, view)]
    heading = ("feature", "view", "type", "window", "unit", "used by")
    rows = [
        (one.name, one.view, one.type, one.window, one.unit or "–", ", ".join(one.used_by) or "–")
        for one in found
    ]
    show(found, table([heading, *rows]), as_json=place.as_json)
