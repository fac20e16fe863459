"""What one feature tells by itself: held against the pairs themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.canary_rows import Asked, names, problem
from training.alone import QUANTILES, each_alone, level_auc, levels_of, shared

COUNTS = st.lists(
    st.tuples(st.integers(-3, 3), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8
)


@given(COUNTS)
def test_an_auc_from_counts_is_that_of_the_pairs(levels: list[tuple[int, int, int]]) -> None:
    """Every pair of a positive and a negative row is won, lost or one half."""
    scores, ups, downs = (np.array(column, dtype=float) for column in zip(*levels, strict=True))
    positives = np.repeat(scores, ups.astype(int))[:, None]
    negatives = np.repeat(scores, downs.astype(int))[None, :]
    found = level_auc(scores, ups, downs)
    if positives.size and negatives.size:
        pairs = (positives > negatives) + 0.5 * (positives == negatives)
        assert found == pytest.approx(pairs.mean())
    else:
        assert np.isnan(found)


@settings(max_examples=50)
@given(
    st.lists(st.one_of(st.just(np.nan), st.floats(-1e300, 1e300)), min_size=1, max_size=200),
    st.booleans(),
)
def test_levels_keep_order_and_gaps(values: list[float], numeric: bool) -> None:
    """Equal values share a level, a larger value never has a lower one, gaps have their own."""
    array = np.array(values)
    found = levels_of(array, numeric=numeric)
    missing = np.isnan(array)
    assert len(set(found[missing])) <= 1
    assert not set(found[missing]) & set(found[~missing])
    order = np.argsort(array[~missing], kind="stable")
    steps = np.diff(found[~missing][order])
    assert (steps >= 0).all()
    assert (steps[np.diff(array[~missing][order]) == 0] == 0).all()
    assert found.max() <= (2 * QUANTILES if numeric else 2 * len(values)) + 1


def test_a_common_value_is_a_level_of_its_own() -> None:
    """The zero of half the rows is not mixed with what lies beside it."""
    values = np.concatenate([np.zeros(500), np.random.default_rng(0).uniform(0.001, 1, 500)])
    found = levels_of(values, numeric=True)
    assert not set(found[:500]) & set(found[500:])


def test_noise_is_at_chance_and_signal_is_not() -> None:
    """Out of fold, a column without signal stays near one half however many levels it has."""
    asked = Asked(customers=1000, signal=1.0)
    found = {f.name: f for f in each_alone(problem(asked), names(asked))}
    assert found["n0"].auc > 0.6
    assert all(abs(found[name].auc - 0.5) < 0.05 for name in ("n2", "n3", "n4", "plan"))
    assert all(f.overlap > 0.8 for f in found.values())


def test_samples_of_equal_levels_share_everything() -> None:
    """Overlap is 1 for equal shares, 0 for none in common."""
    one = np.array([[20.0, 20.0], [40.0, 0.0], [0.0, 0.0]])
    assert shared(one, one * 3) == pytest.approx(1.0)
    assert shared(one, np.array([[0.0, 0.0], [0.0, 0.0], [50.0, 10.0]])) == 0.0


def test_two_small_samples_are_not_held_against_each_other() -> None:
    """Forty-nine rows of an honest column may have no value in common by chance."""
    assert np.isnan(shared(np.full((49, 1), 1.0), np.full((490, 1), 1.0)))
