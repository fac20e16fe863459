"""How many processes a search is given on the command line."""

from __future__ import annotations

import os

import click

from lifecycle.space import MOST_WORKERS

MOST_UNASKED = 4


def cores() -> int:
    """The cores that this process may use, at most four: others may want the machine too."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(MOST_UNASKED, usable or 1))


workers_option = click.option(
    "--workers", type=click.IntRange(1, MOST_WORKERS), default=cores, metavar="N",
    show_default="cores, at most 4", help="Processes that search, this one among them.",
)  # fmt: skip
