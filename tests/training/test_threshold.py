"""Where the yes begins: by money where the task states it, else by F1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.costs import Costs
from training.threshold import best_threshold, choose_threshold

COSTS = Costs(offer=2.0, saved=40.0, accepted=0.15, currency="EUR")


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities with ties, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    yes = rng.beta(1, 2, n).round(2)
    return (rng.random(n) < yes).astype(np.int64), np.column_stack([1 - yes, yes])


@given(n=st.integers(1, 60), seed=st.integers(0, 999))
@settings(deadline=None, max_examples=40)
def test_the_threshold_has_the_highest_f1(n: int, seed: int) -> None:
    """No other probability among the rows gives a better F1, ties being one decision."""
    labels, p = draw(n, seed)

    def f1(threshold: float) -> float:
        yes = p[:, 1] >= threshold
        return 2 * (yes & (labels == 1)).sum() / max(yes.sum() + (labels == 1).sum(), 1)

    assert f1(best_threshold(labels, p)) == pytest.approx(max(map(f1, np.unique(p[:, 1]))))


@given(n=st.integers(1, 60), seed=st.integers(0, 999))
@settings(deadline=None, max_examples=40)
def test_the_rows_own_threshold_earns_most(n: int, seed: int) -> None:
    """No other probability, and not contacting anybody, would have earned more there."""
    labels, p = draw(n, seed)

    def value(threshold: float) -> float:
        offered = p[:, 1] >= threshold
        return COSTS.worth * (offered & (labels == 1)).sum() - COSTS.offer * offered.sum()

    found = choose_threshold(COSTS, labels, p)
    assert found.empirical is not None
    best = max(0.0, *map(value, np.unique(p[:, 1])))
    assert value(found.empirical) == pytest.approx(best)


def test_on_calibrated_rows_both_thresholds_earn_the_same() -> None:
    """What is taken is offer / (saved × accepted); with many rows it loses nothing against them."""
    labels, p = draw(50_000, 1)
    found = choose_threshold(COSTS, labels, p)
    assert found.value == pytest.approx(1 / 3)
    assert found.empirical == pytest.approx(1 / 3, abs=0.04)
    assert found.rule.startswith(
        "an offer of 2 EUR that saves 40 EUR with probability 0.15 pays from 0.3333 on"
    )
    assert "earned most from" in found.rule


def test_without_rows_there_is_still_an_answer() -> None:
    """No row, or no yes among them: the costs' own threshold, or one half."""
    none, p = draw(0, 1)
    assert choose_threshold(COSTS, none, p).value == pytest.approx(1 / 3)
    assert choose_threshold(None, none, p).value == 0.5
    labels, p = np.zeros(3, dtype=np.int64), np.full((3, 2), 0.5)
    assert choose_threshold(None, labels, p).rule == "one half: no yes among the calibration rows"


def test_without_costs_f1_decides_and_says_so() -> None:
    """The rule in the model's facts is the one that was used."""
    labels, p = draw(300, 2)
    found = choose_threshold(None, labels, p)
    assert (found.value, found.empirical) == (best_threshold(labels, p), None)
    assert found.rule == "highest F1 on the calibration rows"
