"""Gains and value as the share contacted grows are those of counting by hand."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.costs import Costs
from lifecycle.metrics import metric
from training.gains import deciles, gains_of, worth_of

COSTS = Costs(offer=2.0, saved=40.0, accepted=0.15)


def draw(n: int, seed: int, places: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities, rounded so that some are equal, and labels; at least one yes."""
    rng = np.random.default_rng(seed)
    yes = rng.beta(1, 2, n).round(places)
    labels = (rng.random(n) < yes).astype(np.int64)
    labels[0] = 1
    return labels, np.column_stack([1 - yes, yes])


@given(seed=st.integers(0, 999), n=st.integers(1, 5))
@settings(deadline=None, max_examples=40)
def test_ties_count_what_a_random_order_gives(seed: int, n: int) -> None:
    """Against the mean over every order in which rows of equal probability may be contacted."""
    labels, p = draw(n, seed, places=1)
    found, runs = gains_of(labels, p), []
    for order in permutations(range(n)):
        if all(p[a, 1] >= p[b, 1] for a, b in pairwise(order)):
            hits = np.cumsum(labels[list(order)])
            runs.append(
                (hits / labels.sum(), COSTS.worth * hits - COSTS.offer * np.arange(1, n + 1))
            )
    gain, value = (np.mean(column, axis=0) for column in zip(*runs, strict=True))
    assert found.gain[1:] == pytest.approx(gain)
    assert found.value(COSTS)[1:] * n == pytest.approx(value)
    assert found.lift == pytest.approx(gain / (np.arange(1, n + 1) / n))
    assert found.gain[0] == found.value(COSTS)[0] == 0


@given(seed=st.integers(0, 999), n=st.integers(2, 300))
@settings(deadline=None, max_examples=30)
def test_the_area_under_gains_is_that_under_roc(seed: int, n: int) -> None:
    """The gains curve is the ROC curve with everybody on its axis: one area gives the other."""
    labels, p = draw(n, seed, places=2)
    base = labels.mean()
    found = gains_of(labels, p)
    area = np.trapezoid(found.gain, found.shares)
    if base < 1:
        auc = metric("binary", "roc_auc", labels, p)
        assert (area - base / 2) / (1 - base) == pytest.approx(auc)


@given(seed=st.integers(0, 999), n=st.integers(1, 200))
@settings(deadline=None, max_examples=30)
def test_tenths_add_up(seed: int, n: int) -> None:
    """Rows, yeses and money of the tenths are those of the whole; the last has gained all."""
    labels, p = draw(n, seed, places=1)
    gains = gains_of(labels, p)
    tenths = deciles(gains, COSTS)
    assert len(tenths) == min(10, n)
    assert sum(one.rows for one in tenths) == n
    assert sum(one.positives for one in tenths) == pytest.approx(labels.sum())
    assert tenths[-1].gain == pytest.approx(1)
    assert sum(one.value or 0 for one in tenths) == pytest.approx(n * gains.value(COSTS)[-1])
    assert [one.value for one in deciles(gains, None)] == [None] * len(tenths)


def test_calibrated_probabilities_keep_their_promise() -> None:
    """What was promised came, at every share; the costs' own threshold promises the most."""
    labels, p = draw(40_000, 1)
    gains = gains_of(labels, p)
    assert gains.value(COSTS) == pytest.approx(gains.promised(COSTS), abs=0.05)
    promised = gains.promised(COSTS)
    assert gains.contacted(COSTS.threshold) == promised.argmax()


def test_worth_is_what_counting_gives() -> None:
    """The values are those of the curve, and each lies in its interval."""
    labels, p = draw(500, 2)
    gains = gains_of(labels, p)
    found = worth_of(gains, COSTS, 0.4, None, 0)
    offered = p[:, 1] >= 0.4
    earned = COSTS.worth * labels[offered].sum() - COSTS.offer * offered.sum()
    assert found.chosen.value == pytest.approx(earned / 500)
    assert found.everybody.value == pytest.approx(gains.value(COSTS)[-1])
    assert found.best.value == gains.value(COSTS).max() >= found.chosen.value
    assert found.over.value == pytest.approx(found.chosen.value - max(0, found.everybody.value))
    for one in (found.chosen, found.everybody, found.best, found.best_share, found.over):
        assert one.low <= one.value <= one.high
    assert worth_of(gains, COSTS, 0.4, None, 0) == found


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Of 80 samples, the 95 % interval of the value at a threshold misses about 4."""
    grid = np.linspace(0.0005, 0.9995, 1_000)
    truth = float(((COSTS.worth * grid - COSTS.offer) * (grid >= 0.4)).mean())
    misses = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        yes = rng.random(150)
        labels = (rng.random(150) < yes).astype(np.int64)
        gains = gains_of(labels, np.column_stack([1 - yes, yes]))
        chosen = worth_of(gains, COSTS, 0.4, None, seed).chosen
        misses += not chosen.low <= truth <= chosen.high
    assert 1 <= misses <= 10  # binomial(80, 0.05): outside with probability 0.02


def test_rows_of_one_entity_are_one_witness() -> None:
    """Four copies of every row say no more than one: the interval stays as wide."""
    labels, p = draw(200, 3)
    alone = worth_of(gains_of(labels, p), COSTS, 0.4, None, 0).chosen
    many = gains_of(np.repeat(labels, 4), np.repeat(p, 4, axis=0))
    grouped = worth_of(many, COSTS, 0.4, np.repeat(np.arange(200), 4), 0).chosen
    fooled = worth_of(many, COSTS, 0.4, None, 0).chosen
    width = alone.high - alone.low
    assert grouped.high - grouped.low == pytest.approx(width, rel=0.2)
    assert fooled.high - fooled.low < 0.65 * width
