"""Say everything about one feature."""

from __future__ import annotations

import click

from onramp.console import show
from onramp.options import Place, common


@click.command()
@common
@click.argument("name")
def command(place: Place, name: str) -> None:
    """Say everything about one feature.

    What it means, how it is computed and of which columns of your files, who uses it, and what
    the built rows hold of it.
    """
    from features.catalogue import catalogue
    from lifecycle.errors import UnknownName
    from onramp.gathered import gathered, lines

    known = {feature.name: feature for feature in catalogue(place.home.dataset())}
    if name not in known:
        raise UnknownName("feature", name, known)
    (found,) = gathered(place.home, [known[name]])
    show(found, lines(found), as_json=place.as_json)
