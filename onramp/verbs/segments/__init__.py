"""Group customers by rules, scores and behaviour; say who is where, and why."""

from __future__ import annotations

import click

from onramp.groups import Lazy

COMMANDS = {
    "list": "List the segments with their sizes; warn of those that are too small.",
    "show": "Say everything about one segment.",
    "customer": "Say in which segments a customer is, and why.",
    "words": "List the words that a rule can use.",
    "check": "Read a file of segments and say what is wrong with it.",
    "refresh": "Compute the segments of every built moment, and tell Feast.",
    "fit": "Learn segments from behaviour.",
}


@click.group(cls=Lazy, package=__name__, table=COMMANDS, kind="command")
def command() -> None:
    """Group customers by rules, scores and behaviour; say who is where, and why.

    `onramp features` keeps the segments fresh. A file segments.toml in the home replaces those
    that ship with Onramp; docs/segments.md says how a rule is written.
    """
