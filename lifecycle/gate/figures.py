"""Numbers as the judge takes them: finite, or not there at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

from lifecycle.gate.evidence import Difference


def finite(value: object) -> float | None:
    """The value as a finite float; None where it is anything else."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):  # a whole number beyond any float
        return None
    return number if math.isfinite(number) else None


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A difference whose every figure is known, as gain: above zero the challenger is better."""

    value: float
    low: float
    high: float
    gain: float
    least_gain: float


def interval(found: Difference | None, *, higher_is_better: bool) -> Interval | None:
    """What was measured, if all of it was; None where it was not or is no interval."""
    if found is None:
        return None
    low, value, high = map(finite, (found.low, found.value, found.high))
    if low is None or value is None or high is None or finite(found.confidence) is None:
        return None
    if low > high:
        return None
    gain, least = (value, low) if higher_is_better else (-value, -high)
    return Interval(value=value, low=low, high=high, gain=gain, least_gain=least)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (Holm 1979), in the order given.

    One at or below a level can be called significant at that level over all of them, however
    they depend on each other.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted
