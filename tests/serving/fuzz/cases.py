"""How many cases: a few each time, thousands when FUZZ_CASES asks for them."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

ASKED = int(os.environ.get("FUZZ_CASES", "0"))


def share(part: float, usual: int) -> settings:
    """This part of all cases that were asked for, or the usual number.

    The usual ones are the same each time; when many are asked for they are new ones.
    """
    return settings(
        max_examples=max(usual, round(ASKED * part)),
        derandomize=not ASKED,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
