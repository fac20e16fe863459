"""Metrics by name: the same numbers as scikit-learn's, and NaN where nothing can be said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from lifecycle.metrics import (
    HIGHER_IS_BETTER,
    METRICS,
    known,
    measure,
    measured,
    metric,
    midranks,
)


def draw(n: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(classes, size=n)])
    p = rng.dirichlet(np.ones(classes), len(labels)).round(2) + 0.005
    return labels, p / p.sum(axis=1, keepdims=True)


@given(n=st.integers(5, 80), seed=st.integers(0, 9_999))
@settings(deadline=None, max_examples=40)
def test_binary_metrics_are_scikit_learns(n: int, seed: int) -> None:
    """Ranks, precision and losses agree with scikit-learn, ties included."""
    labels, p = draw(n, 2, seed)
    found = measure("binary", labels, p)
    assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(labels, p[:, 1]))
    assert found["pr_auc"] == pytest.approx(sk.average_precision_score(labels, p[:, 1]))
    assert found["log_loss"] == pytest.approx(sk.log_loss(labels, p))
    assert found["brier"] == pytest.approx(sk.brier_score_loss(labels, p[:, 1]))


@given(n=st.integers(5, 80), classes=st.integers(3, 5), seed=st.integers(0, 9_999))
@settings(deadline=None, max_examples=40)
def test_multiclass_metrics_are_scikit_learns(n: int, classes: int, seed: int) -> None:
    """Losses, F1 and accuracy agree with scikit-learn."""
    labels, p = draw(n, classes, seed)
    found = measure("multiclass", labels, p)
    assert found["log_loss"] == pytest.approx(sk.log_loss(labels, p))
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(labels, p.argmax(axis=1)))
    assert found["macro_f1"] == pytest.approx(
        sk.f1_score(labels, p.argmax(axis=1), average="macro", zero_division=0)
    )
    assert found["accuracy"] <= found["top2"] <= found["top3"] <= 1


def test_one_column_means_the_positive_class() -> None:
    """Binary probabilities may come as one column."""
    labels, p = draw(30, 2, 1)
    one, two = measure("binary", labels, p[:, 1]), measure("binary", labels, p)
    assert one == pytest.approx(two)


@pytest.mark.parametrize("name", ["roc_auc", "log_loss_skill"])
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_cannot_be_ranked(name: str, label: int) -> None:
    """Where only one class occurs, ranking and skill are NaN, never 0.5 or 1."""
    assert math.isnan(metric("binary", name, [label] * 3, [0.1, 0.5, 0.9]))


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_no_rows_are_nan_everywhere(kind: str) -> None:
    """Nothing measured is not a number for every metric."""
    found = measure(kind, [], np.empty((0, 3)))  # type: ignore[arg-type]
    assert found
    assert all(math.isnan(value) for value in found.values())


def test_skill_is_zero_for_the_rows_own_shares() -> None:
    """Knowing only how common each class is has no skill."""
    labels = np.array([0, 0, 0, 1])
    assert metric("binary", "log_loss_skill", labels, np.full(4, 0.25)) == pytest.approx(0)


def test_ece_is_the_gap_of_a_constant_lie() -> None:
    """Saying 0.9 where half happens is off by 0.4."""
    labels = np.tile([0, 1], 50)
    assert metric("binary", "ece", labels, np.full(100, 0.9)) == pytest.approx(0.4)


def test_every_metric_has_a_direction() -> None:
    """No metric can enter a search or a gate without saying which way is better."""
    assert {name for kind in METRICS.values() for name in kind} == set(HIGHER_IS_BETTER)


def test_midranks_share_ties() -> None:
    """Equal values have their mean rank."""
    assert midranks(np.array([2.0, 1.0, 2.0, 3.0])).tolist() == [2.5, 1.0, 2.5, 4.0]


def test_what_could_not_be_measured_is_told_apart() -> None:
    """A table shows a gap for it, and a run has no such number."""
    values = {"auc": np.float64(0.5), "ece": math.nan, "log_loss": math.inf}
    assert [known(value) for value in values.values()] == [0.5, None, None]
    assert measured(values) == {"auc": 0.5}
