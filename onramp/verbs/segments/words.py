"""List the words that a rule can use."""

from __future__ import annotations

import click

from onramp.console import show, table
from onramp.options import Place, common


@click.command()
@common
def command(place: Place) -> None:
    """List the words that a rule can use.

    Marketers' words come first, then the events for `… happened`, then the features, which can
    be used by their own names.
    """
    from segments.plan import plan_of
    from segments.words import is_time

    words = plan_of(place.home).words
    rows = [
        *((word, words.features[name]) for word, name in sorted(words.aliases.items())
          if name in words.features),
        *((f"{event} happened", words.features[name]) for event, name in words.events.items()),
        *words.features.items(),
    ]  # fmt: skip
    found = [
        {"word": word, "feature": one.name, "type": "time" if is_time(one) else one.type,
         "unit": one.unit, "meaning": one.meaning}
        for word, one in rows
    ]  # fmt: skip
    heading = ("word", "feature", "type", "unit", "meaning")
    text = table([heading, *(tuple(one[key] or "–" for key in heading) for one in found)])
    show(found, text, as_json=place.as_json)
