"""Shuffled labels: dealt whole, and judged with an error that is of the right size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.canary_rows import CANDIDATE, Asked, problem, who
from training.chance import Ranking, mutual, ranking, shuffled, shuffled_ranking


@settings(max_examples=50)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(0, 2**31))
def test_shuffling_deals_every_label_once(owners: list[int], seed: int) -> None:
    """As many of each class as before, whoever has how many rows."""
    labels = np.random.default_rng(seed).integers(3, size=len(owners))
    dealt = shuffled(labels, np.array(owners, dtype=object), np.random.default_rng(seed))
    np.testing.assert_array_equal(np.bincount(dealt), np.bincount(labels))


def test_shuffling_keeps_a_customers_rows_alike() -> None:
    """Labels that are the same in all rows of a customer stay so, and change hands."""
    owners = np.repeat(np.arange(300), 3).astype(object)
    rng = np.random.default_rng(0)
    of_customer = rng.integers(2, size=300)
    dealt = shuffled(np.repeat(of_customer, 3), owners, rng).reshape(300, 3)
    assert (dealt == dealt[:, :1]).all()
    assert abs(np.corrcoef(dealt[:, 0], of_customer)[0, 1]) < 0.2


def test_the_error_is_that_of_repeated_draws() -> None:
    """Over many draws of alike rows, the AUC spreads as its standard error says."""
    rng = np.random.default_rng(0)
    values, errors = [], []
    folds = (np.arange(120), np.arange(120, 300))
    owners = np.repeat(np.arange(100), 3).astype(object)
    for _ in range(300):
        truth, noise = np.repeat(rng.normal(size=(2, 100)), 3, axis=1)
        labels = (truth + rng.normal(size=300) > 0.3).astype(np.int64)
        p = 1 / (1 + np.exp(-(noise + rng.normal(size=300))))
        answers = [(rows, np.column_stack([1 - p, p])[rows]) for rows in folds]
        found = ranking(labels, answers, owners)
        values.append(found.auc)
        errors.append(found.error)
    assert np.mean(values) == pytest.approx(0.5, abs=0.01)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)


@pytest.mark.parametrize("classes", [2, 4])
def test_shuffled_labels_score_at_chance(classes: int) -> None:
    """Twenty draws: one half within three errors, and never above chance."""
    found = []
    for seed in range(20):
        asked = Asked(customers=150, classes=classes, signal=2.0, seed=seed)
        found.append(shuffled_ranking(problem(asked), CANDIDATE, who(asked), seed))
    assert not any(one.above_chance for one in found)
    assert np.mean([one.auc for one in found]) == pytest.approx(0.5, abs=0.02)
    assert max(abs(one.auc - 0.5) / one.error for one in found) < 3.5


def test_folds_that_learn_from_each_other_err_together() -> None:
    """Of rows cut at random, luck in one fold is luck in all: the error allows for it."""
    asked, ratios = Asked(customers=100, signal=0.0), []
    part = np.arange(300) // 3 % 3
    cut = [(np.flatnonzero(part != k), np.flatnonzero(part == k)) for k in range(3)]
    assert not mutual(problem(asked))
    few = replace(CANDIDATE, params={"num_leaves": 3, "learning_rate": 0.2}, rounds=(10,))
    for seed in range(40):
        rows = replace(problem(replace(asked, seed=seed)), folds=tuple(cut))
        assert mutual(rows)
        found = shuffled_ranking(rows, few, who(asked), seed)
        ratios.append((found.auc - 0.5) / found.error)
    assert 0.6 < np.std(ratios) < 1.1


def test_what_cannot_be_measured_is_not_a_pass() -> None:
    """One class, or a few customers: no error, so nothing is told."""
    labels, p = np.zeros(4, dtype=np.int64), np.full((4, 2), 0.5)
    nothing = ranking(labels, [(np.arange(4), p)], np.arange(4).astype(object))
    assert not nothing.told
    assert np.isnan(nothing.auc)
    alone = ranking(np.array([0, 1]), [(np.arange(2), p[:2])], np.array(["a", "a"], dtype=object))
    assert not alone.told
    assert not Ranking(auc=0.9, error=0.2).above_chance
