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
    from lifecycle.errors import UnknownName
    from onramp.described import known
    from onramp.gathered import gathered, lines

    features = {feature.name: feature for feature in known(place.home)}
    if name not in features:
        raise UnknownName("feature", name, features)
    (found,) = gathered(place.home, [features[name]])
    show(found, lines(found), as_json=place.as_json)
