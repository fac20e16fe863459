"""Compute features and refresh Feast; list, explain, check and profile them."""

from __future__ import annotations

import click

from onramp.groups import Lazy

COMMANDS = {
    "build": "Compute features, register them with Feast, refresh the online store.",
    "list": "List the features and who uses them.",
    "show": "Say everything about one feature.",
    "page": "Write the data dictionary of this home as one page.",
    "check": "Check every table, from customers to training sets; quarantine what is wrong.",
    "profile": "Draw the profile of a task's training set as one page.",
}


@click.group(cls=Lazy, package=__name__, table=COMMANDS, kind="command", default="build")
def command() -> None:
    """Compute features and refresh Feast; list, explain, check and profile them.

    Without a command it builds: `onramp features` is `onramp features build`.
    """
