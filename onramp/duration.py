"""A length of time on the command line: 60s, 5m, 1h30m."""

from __future__ import annotations

import click

from lifecycle.duration import seconds_in
from lifecycle.errors import UsageError


class Duration(click.ParamType[float]):
    """Seconds, from numbers and their units; a number alone is seconds."""

    name = "time"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float | int):
            return float(value)
        try:
            return seconds_in(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


budget_option = click.option(
    "--budget", "seconds", type=Duration(), metavar="TIME",
    help="Time to search and fit in, without assembling and report: 60s, 5m, 1h.",
)  # fmt: skip
