"""Paired intervals: right against brute force, honest about customers, and of the right width."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from lifecycle.metrics import metric
from training.promotion.paired import Pair, clustered_variance, components, delong, difference


def make_pair(n: int, seed: int, gain: float = 0.0, rows_each: int = 1) -> Pair:
    """Two correlated scores; the challenger sees the signal `gain` better."""
    rng = np.random.default_rng(seed)
    customers = np.repeat(np.arange(n), rows_each)
    truth = np.repeat(rng.normal(size=n), rows_each)
    labels = (truth + rng.normal(size=n * rows_each) > 0.5).astype(np.int64)
    shared = np.repeat(rng.normal(size=n), rows_each)

    def scores(strength: float) -> np.ndarray:
        noise = shared + rng.normal(size=n * rows_each)
        p = 1 / (1 + np.exp(-(strength * truth + noise - 0.5).round(1)))  # rounding makes ties
        return np.column_stack([1 - p, p])

    return Pair(
        kind="binary", labels=labels, challenger=scores(1 + gain), champion=scores(1),
        customers=pd.Series(customers).astype(str),
    )  # fmt: skip


def brute(labels: np.ndarray, scores: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """AUC and components from every pair of rows, as in DeLong's paper."""
    ups, downs = scores[labels == 1][:, None], scores[labels == 0][None, :]
    wins = (ups > downs) + 0.5 * (ups == downs)
    return float(wins.mean()), wins.mean(axis=1), wins.mean(axis=0)


def test_fast_components_are_the_brute_force_ones() -> None:
    """Midranks give the same AUC and components as comparing every pair, ties included."""
    pair = make_pair(120, 1)
    for fast, slow in zip(
        components(pair.labels, pair.champion[:, 1]),
        brute(pair.labels, pair.champion[:, 1]),
        strict=True,
    ):
        np.testing.assert_allclose(fast, slow)


def test_one_row_a_customer_is_delongs_variance() -> None:
    """With single rows the clustered variance is DeLong's own, up to finite-sample factors."""
    pair = make_pair(400, 2)
    positive = pair.labels == 1
    auc, above, below = brute(pair.labels, pair.challenger[:, 1])
    other, above2, below2 = brute(pair.labels, pair.champion[:, 1])
    textbook = np.var(above - above2, ddof=1) / positive.sum()
    textbook += np.var(below - below2, ddof=1) / (~positive).sum()
    gap = auc - other
    ours = clustered_variance(above - above2 - gap, below - below2 - gap, positive, pair.customers)
    assert ours == pytest.approx(textbook, rel=1e-6)


@pytest.mark.parametrize("rows_each", [1, 4])
def test_delong_agrees_with_the_bootstrap_over_customers(rows_each: int) -> None:
    """Its standard error is the one that resampling customers finds, alone or in groups."""
    pair = make_pair(300, 3, gain=0.3, rows_each=rows_each)
    rng = np.random.default_rng(0)
    codes = pd.factorize(pair.customers)[0]
    rows = [np.flatnonzero(codes == one) for one in range(300)]
    draws = []
    for _ in range(400):
        drawn = np.concatenate([rows[i] for i in rng.integers(300, size=300)])
        labels = pair.labels[drawn]
        draws.append(
            metric("binary", "roc_auc", labels, pair.challenger[drawn])
            - metric("binary", "roc_auc", labels, pair.champion[drawn])
        )
    found = delong(pair)
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(np.std(draws), rel=0.15)


@pytest.mark.parametrize("name", ["roc_auc", "pr_auc", "log_loss", "accuracy"])
def test_equal_models_are_told_apart_one_time_in_twenty(name: str) -> None:
    """Of 100 pairs of equal models about 5 % of the intervals miss zero: ours keep to it."""
    misses = 0
    for seed in range(100):
        found = difference(make_pair(150, seed, rows_each=2), name)
        misses += not found.low <= 0 <= found.high
    assert misses <= 11


def test_a_real_gain_is_seen() -> None:
    """A clearly better challenger has an interval above zero, in every kind of metric."""
    pair = make_pair(800, 5, gain=1.5)
    assert difference(pair, "roc_auc").low > 0
    assert difference(pair, "pr_auc").low > 0
    assert difference(pair, "log_loss").high < 0
    assert difference(pair, "brier").high < 0


def test_one_class_is_not_a_number() -> None:
    """AUCs of one class cannot be compared: NaN, on which the gate does not judge."""
    pair = make_pair(50, 6)
    only = Pair(
        kind="binary", labels=np.ones_like(pair.labels), challenger=pair.challenger,
        champion=pair.champion, customers=pair.customers,
    )  # fmt: skip
    assert math.isnan(difference(only, "roc_auc").low)
