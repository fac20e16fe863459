"""Weights by stacking: few, non-negative, one in sum, and of the members that help."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from training.ensemble.blend import LEAST_WEIGHT, MOST_MEMBERS, stacked, weights_of


def drawn(seed: int, n: int = 1_500) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:  # type: ignore[type-arg]
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n, 1)) * 1.5
    return truth, (rng.random(n) < expit(truth[:, 0])).astype(np.int64), rng


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), members=st.integers(1, 7))
def test_weights_are_few_and_sum_to_one(seed: int, members: int) -> None:
    """Whatever the candidates are worth."""
    truth, labels, rng = drawn(seed)
    margins = [truth + rng.normal(size=truth.shape) * rng.uniform(0, 3) for _ in range(members)]
    weights = weights_of(margins, labels, 0)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    heavy = weights[weights > 0]
    assert len(heavy) <= MOST_MEMBERS
    assert len(heavy) == 1 or heavy.min() >= LEAST_WEIGHT - 1e-9


def test_noise_gets_no_weight_and_errors_that_differ_share_it() -> None:
    """Two good members with errors of their own halve the weight; noise has none."""
    truth, labels, rng = drawn(3, 20_000)
    good = [truth + rng.normal(size=truth.shape) for _ in range(2)]
    weights = weights_of([good[0], rng.normal(size=truth.shape), good[1]], labels, 0)
    assert weights[1] == 0
    assert weights[0] == pytest.approx(0.5, abs=0.1)


def test_the_loss_is_at_its_minimum() -> None:
    """A grid over two weights, with the best slope and bias for each, finds nothing better."""
    truth, labels, rng = drawn(5)
    stack = np.stack([truth + rng.normal(size=truth.shape), truth * 0.7])
    found = stacked(stack, labels)[0]

    def loss(share: float) -> float:
        mixed = share * stack[0] + (1 - share) * stack[1]
        slopes = np.linspace(0.3, 2.5, 23)
        biases = np.linspace(-0.3, 0.3, 7)
        signs = np.where(labels == 1, 1.0, -1.0)[:, None]
        return min(
            float(np.logaddexp(0, -signs * (slope * mixed + bias)).mean())
            for slope in slopes for bias in biases
        )  # fmt: skip

    losses = {share: loss(share) for share in np.linspace(0, 1, 11)}
    best = min(losses, key=lambda share: losses[share])
    assert found == pytest.approx(best, abs=0.15)


def test_three_classes_are_weighed_too() -> None:
    """Log-probabilities of three classes: the informed member outweighs the noisy one."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4_000, 3)) * 2
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    weights = weights_of([logits, logits + 3 * rng.normal(size=logits.shape)], labels, 0)
    assert weights[0] > 0.8
