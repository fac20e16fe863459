"""Numbers as the judge takes them, and many tests counted as many."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.gate import Difference
from lifecycle.gate.figures import finite, holm, interval


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (0.5, 0.5), (3, 3.0), (np.float32(0.5), 0.5), (np.int64(3), 3.0),
        (math.nan, None), (math.inf, None), (None, None), (True, None), ("0.5", None),
        (10**400, None), ([0.5], None), (1j, None),
    ],
)  # fmt: skip
def test_only_finite_numbers_are_numbers(value: object, found: float | None) -> None:
    """A flag, a text, a number beyond all floats: none of them is something to judge by."""
    assert finite(value) == found


def gap(low: float, value: float, high: float) -> Difference:
    return Difference(value=value, low=low, high=high, confidence=0.95, method="test")


def test_a_gain_has_one_direction() -> None:
    """Where less is better, the least gain is the highest difference turned round."""
    up = interval(gap(-1, 0, 2), higher_is_better=True)
    down = interval(gap(-1, 0.5, 2), higher_is_better=False)
    assert up is not None
    assert (up.gain, up.least_gain) == (0, -1)
    assert down is not None
    assert (down.gain, down.least_gain) == (-0.5, -2)


@pytest.mark.parametrize("odd", [gap(2, 1, 0), gap(0, math.nan, 1), gap(-math.inf, 0, 1)])
def test_half_an_interval_is_none(odd: Difference) -> None:
    """Turned round, unknown or endless at one end: nothing was measured."""
    assert interval(odd, higher_is_better=True) is None


def test_holm_by_hand() -> None:
    """The smallest counts as often as there are tests, the next one less; none falls below."""
    assert holm([0.04, 0.01, 0.03, 0.9]) == pytest.approx([0.09, 0.04, 0.09, 0.9])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.01, 0.2))
def test_holm_rejects_what_its_steps_reject(p_values: list[float], level: float) -> None:
    """Adjusted values at or below the level are those that Holm's own steps down reject."""
    order = np.argsort(p_values, kind="stable")
    rejected: set[int] = set()
    for rank, place in enumerate(order):
        if (len(p_values) - rank) * p_values[place] > level:
            break
        rejected.add(int(place))
    assert {i for i, p in enumerate(holm(p_values)) if p <= level} == rejected
