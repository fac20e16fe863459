"""The two-sample test is the published one, on values and on counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from lifecycle.kolmogorov_smirnov import by_chance, gap, gap_of_counts

SAMPLES = st.lists(st.floats(0, 1), min_size=1, max_size=40)
COUNTS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=8)


@settings(deadline=None)
@given(SAMPLES, SAMPLES)
def test_the_gap_is_that_of_the_definition(one: list[float], other: list[float]) -> None:
    """Against the two step functions written out, ties included; it is symmetric."""
    expected = max(
        abs(sum(a <= x for a in one) / len(one) - sum(b <= x for b in other) / len(other))
        for x in one + other
    )
    assert gap(np.array(one), np.array(other)) == pytest.approx(expected)
    assert gap(np.array(other), np.array(one)) == pytest.approx(expected)


@settings(deadline=None)
@given(COUNTS.filter(lambda pairs: all(sum(side) for side in zip(*pairs, strict=True))))
def test_counts_are_samples(pairs: list[tuple[int, int]]) -> None:
    """A sample in counts has the gap of its values."""
    one, other = np.array(pairs, dtype=float).T
    places = np.arange(len(pairs), dtype=float)
    values = (np.repeat(places, side.astype(int)) for side in (one, other))
    assert gap_of_counts(one, other) == pytest.approx(gap(*values))


@settings(deadline=None)
@given(st.floats(0, 1), st.integers(1, 100_000), st.integers(1, 100_000))
def test_chance_is_kolmogorovs_limit(distance: float, one: int, other: int) -> None:
    """SciPy's limit at Stephens' corrected distance, wherever that lies."""
    root = np.sqrt(one * other / (one + other))
    limit = special.kolmogorov((root + 0.12 + 0.11 / root) * distance)
    assert by_chance(distance, one, other) == pytest.approx(limit, rel=1e-9, abs=1e-12)


def test_chance_is_near_the_exact_one() -> None:
    """The p-value is near SciPy's exact one, and never surer by more than a hair."""
    for distance in (0.05, 0.1, 0.2):
        exact = stats.kstwo.sf(distance, 250)
        assert by_chance(distance, 500, 500) == pytest.approx(exact, rel=0.15)
