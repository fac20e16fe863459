"""Words that the sections of a comparison share."""

from __future__ import annotations

import math
from datetime import datetime

from lifecycle.metrics import HIGHER_IS_BETTER
from training.promotion.side_by_side.values import Side


def named(side: Side) -> str:
    """`7 (champion)`."""
    return f"{side.number}" + (f" ({', '.join(side.aliases)})" if side.aliases else "")


def higher(metric: str) -> bool:
    """Whether more of it is better; money is no metric of a kind, and more of it is."""
    return HIGHER_IS_BETTER.get(metric, True)


def way(metric: str) -> str:
    return "higher" if higher(metric) else "lower"


def said(better: int | None, measure: float) -> str:
    """Who is better, in words."""
    if better is not None:
        return str(better)
    return "not told apart" if math.isfinite(measure) else "not measured"


def day(moment: str) -> str:
    """The day of a time in ISO 8601; other text as it is."""
    try:
        return f"{datetime.fromisoformat(moment):%Y-%m-%d}"
    except ValueError:
        return moment
