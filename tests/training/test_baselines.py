"""Baselines: the class shares, and a logistic regression that takes any table."""

from __future__ import annotations

import numpy as np
import pytest

from training.baselines import logistic_regression, prior
from training.model import Encoder


def test_the_prior_is_the_training_shares() -> None:
    """Every row gets the shares of the training rows."""
    found = prior(np.array([0, 0, 0, 1]), 3, 2)
    assert found.tolist() == [[0.75, 0.25, 0.0]] * 2


def test_logistic_regression_takes_gaps_and_new_categories() -> None:
    """Missing numbers, an empty column and an unseen category are no obstacle."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(200, 4))
    labels = (matrix[:, 0] > 0).astype(np.int64)
    matrix[::7, 0], matrix[:, 1] = np.nan, np.nan
    matrix[:, 3] = rng.integers(0, 2, 200)
    test = np.array([[3.0, np.nan, 0.0, 5.0], [-3.0, 1.0, np.nan, np.nan]])
    features = [*((f"n{i}", "number") for i in range(3)), ("c", "category")]
    found = logistic_regression(Encoder(features, {"c": ["a", "b"]}), matrix, labels, test, 0)
    assert found.sum(axis=1) == pytest.approx(1)
    assert found[0, 1] > 0.9
    assert found[1, 1] < 0.1
