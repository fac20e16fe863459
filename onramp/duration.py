"""A length of time on the command line: 60s, 5m, 1h."""

from __future__ import annotations

import math
import re

import click

SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)")


class Duration(click.ParamType[float]):
    """Seconds, from a number and a unit; a number alone is seconds."""

    name = "time"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float | int):
            return float(value)
        found = WRITTEN.fullmatch(value.strip().lower())
        seconds = float(found[1]) * SECONDS[found[2]] if found else 0.0
        if seconds <= 0 or not math.isfinite(seconds):
            self.fail(f"{value!r} is no length of time. Write it as 60s, 5m or 1h.", param, ctx)
        return seconds


budget_option = click.option(
    "--budget", "seconds", type=Duration(), metavar="TIME",
    help="Time for the whole training: 60s, 5m, 1h.",
)  # fmt: skip
