"""Distances are of complete, standardised rows; a category counts as SMOTENC defines it."""

from __future__ import annotations

import numpy as np
import pytest
from imblearn.over_sampling import SMOTENC

from training.balancing.space import Space, nominal_unit


def test_points_of_an_incomplete_row() -> None:
    """Medians fill, a flag says where, and a missing category is a value of its own."""
    matrix = np.array([[1.0, 0.0], [3.0, 1.0], [np.nan, np.nan], [2.0, 1.0]])
    space = Space.of(matrix, (1,))
    points = space.points(matrix, unit=0.5)
    filled = np.array([1.0, 3.0, 2.0, 2.0])
    np.testing.assert_allclose(points[:, 0], (filled - 2.0) / filled.std())
    np.testing.assert_array_equal(points[:, 1], [0, 0, 1, 0])
    np.testing.assert_array_equal(points[:, 2:], np.eye(3)[[0, 1, 2, 1]] * 0.5)
    assert points.shape[1] == space.width


def test_empty_constant_and_huge_columns_give_finite_points() -> None:
    """No column can spoil a distance."""
    rng = np.random.default_rng(0)
    matrix = np.column_stack(
        [np.full(50, np.nan), np.ones(50), rng.choice([-1e308, 1e308], 50), np.full(50, np.nan)]
    )
    points = Space.of(matrix, (3,)).points(matrix, unit=1.0)
    assert np.isfinite(points).all()
    assert np.abs(points).max() < 10


def test_the_unit_of_a_category_is_smotencs() -> None:
    """Two rows that differ in one category are one median deviation of the rare class apart."""
    rng = np.random.default_rng(1)
    matrix = np.column_stack([rng.normal(size=(200, 3)) * [1, 2, 9], rng.integers(0, 3, 200)])
    labels = (np.arange(200) < 40).astype(np.int64)
    space = Space.of(matrix, (3,))
    ready = np.column_stack([space.standardised(matrix), matrix[:, 3]])
    theirs = SMOTENC([3], random_state=0).fit(ready, labels)
    theirs.fit_resample(ready, labels)
    unit = nominal_unit(space, matrix[labels == 1])
    assert unit * np.sqrt(2) == pytest.approx(theirs.median_std_[1])
    same = np.tile(matrix[:1], (2, 1))
    same[:, 3] = [0, 1]
    first, second = space.points(same, unit)
    assert np.linalg.norm(first - second) == pytest.approx(theirs.median_std_[1])


def test_a_table_of_categories_alone_has_a_unit() -> None:
    """There are no deviations to take a median of, and nothing fails."""
    matrix = np.array([[0.0], [1.0]])
    assert nominal_unit(Space.of(matrix, (0,)), matrix) == 1.0
