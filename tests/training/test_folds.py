"""Folds are balanced and binned once, in bounded memory, and watched on their own shares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifecycle.space import Algorithm
from training.balancing.balance import Balance
from training.boosters import Settings
from training.folds import FoldCache, Problem, watched_weights
from training.model import Encoder


def make_problem(n: int = 300) -> Problem:
    rng = np.random.default_rng(0)
    return Problem(
        encoder=Encoder([("a", "number"), ("b", "number")], {}),
        matrix=rng.normal(size=(n, 2)),
        labels=(rng.random(n) < 0.25).astype(np.int64),
        folds=((np.arange(100), np.arange(100, 200)), (np.arange(200), np.arange(200, n))),
        settings=Settings(classes=2, bins=31, seed=5, rounds=5),
    )


def test_a_fold_that_was_let_go_comes_back_the_same() -> None:
    """A cache of one byte gives the rows of a cache that holds all."""
    problem = make_problem()
    tight, wide = FoldCache(problem, most=1), FoldCache(problem)
    for ratio in (0.6, 1.0, 0.6):
        for fold in (0, 1):
            balance = Balance(method="smote", ratio=ratio)
            ours, theirs = tight.balanced(fold, balance), wide.balanced(fold, balance)
            assert np.array_equal(ours.matrix, theirs.matrix)
            assert ours.synthetic > 0
    assert len(tight.held) == 1
    assert len(wide.held) == 4


def test_what_a_method_does_not_look_at_makes_no_second_fold() -> None:
    """`none` with another k is the same fold; SMOTE with another k is not."""
    cache = FoldCache(make_problem())
    assert cache.balanced(0, Balance(k_neighbors=3)) is cache.balanced(0, Balance(k_neighbors=9))
    few, many = (cache.balanced(0, Balance(method="smote", k_neighbors=k)) for k in (3, 9))
    assert not np.array_equal(few.matrix, many.matrix)


@pytest.mark.parametrize("algorithm", ["xgboost", "lightgbm"])
def test_a_fold_is_binned_once_a_library(algorithm: Algorithm) -> None:
    """The second ask gets the very same; another fold or another balance does not."""
    cache, smote = FoldCache(make_problem()), Balance(method="smote")
    first = cache.prepared(0, smote, algorithm)
    assert cache.prepared(0, smote, algorithm) is first
    assert cache.prepared(1, smote, algorithm) is not first
    assert cache.prepared(0, Balance(), algorithm) is not first


def test_held_memory_counts_rows_and_bins() -> None:
    """The bytes of the balanced matrix are counted, and again for its binned form."""
    cache = FoldCache(make_problem())
    rows = cache.balanced(1, Balance(method="smote"))
    assert cache.held.nbytes == rows.nbytes
    cache.prepared(1, Balance(method="smote"), "lightgbm")
    assert cache.held.nbytes > 2 * rows.nbytes


@pytest.mark.parametrize("method", ["smote", "under", "class_weight"])
def test_validation_rows_are_watched_with_the_fitted_shares(method: str) -> None:
    """However the fitted shares were changed, the watched rows weigh the same shares."""
    problem = make_problem()
    fitted = FoldCache(problem).balanced(1, Balance(method=method))  # type: ignore[arg-type]
    labels = problem.labels[problem.folds[1][1]]
    weights = watched_weights(fitted, labels)
    assert weights is not None
    wanted = np.bincount(fitted.labels, fitted.weights)
    assert np.bincount(labels, weights) / weights.sum() == pytest.approx(wanted / wanted.sum())
    assert watched_weights(FoldCache(problem).balanced(1, Balance()), labels) is None


@pytest.mark.parametrize("method", ["smote", "smotenc", "borderline", "under"])
def test_balanced_rows_come_from_the_fitting_rows_only(method: str) -> None:
    """Changing every validation row changes no row that the fold is fitted on."""
    problem = make_problem()
    poisoned = problem.matrix.copy()
    poisoned[problem.folds[1][1]] = 1e6
    balance = Balance(method=method)  # type: ignore[arg-type]
    clean = FoldCache(problem).balanced(1, balance)
    other = FoldCache(replace(problem, matrix=poisoned)).balanced(1, balance)
    np.testing.assert_array_equal(clean.matrix, other.matrix)
