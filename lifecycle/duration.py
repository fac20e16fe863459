"""How long something may take, as people write it: `45s`, `5m`, `1.5h`, `1h30m`."""

from __future__ import annotations

import math
import re

from lifecycle.errors import UsageError

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
WHOLE = re.compile(r"(?:\d+(?:\.\d+)?[smh])+")
PART = re.compile(r"(\d+(?:\.\d+)?)([smh])")


def seconds_in(text: str) -> float:
    """The seconds that a text means; a bare number is seconds.

    Raises:
        UsageError: it is no time, or none at all.
    """
    compact = text.strip().lower().replace(" ", "")
    if WHOLE.fullmatch(compact):
        found = sum(float(number) * SECONDS[unit] for number, unit in PART.findall(compact))
    else:
        found = bare(compact)
    if not math.isfinite(found) or found <= 0:
        raise UsageError(
            f"{text!r} is not a time that something could take.",
            do="Write it as 60s, 5m or 1h.",
        )
    return found


def bare(text: str) -> float:
    """A number without a unit; NaN for anything else."""
    try:
        return float(text)
    except ValueError:
        return math.nan
