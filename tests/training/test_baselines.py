"""Baselines: the class shares, a logistic regression and neighbours that take any table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import baselines
from training.baselines import (
    LEAST_ROWS,
    MOST_ROWS,
    MOST_WORK,
    PAIR,
    affordable,
    answers,
    logistic_regression,
    nearest_neighbour,
    prior,
)
from training.model import Encoder

Baseline = Callable[..., np.ndarray]


def encoder(numbers: int) -> Encoder:
    features = [*((f"n{i}", "number") for i in range(numbers)), ("c", "category")]
    return Encoder(features, {"c": ["a", "b"]})


def draw(n: int, classes: int = 2, numbers: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """A table with gaps and an empty column whose first number decides the class."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(n, numbers + 1))
    cuts = np.quantile(matrix[:, 0], np.linspace(0, 1, classes + 1)[1:-1])
    labels = np.digitize(matrix[:, 0], cuts)
    matrix[::7, 0], matrix[:, 1] = np.nan, np.nan
    matrix[:, -1] = rng.integers(0, 2, n)
    return matrix, labels


def test_the_prior_is_the_training_shares() -> None:
    """Every row gets the shares of the training rows."""
    found = prior(np.array([0, 0, 0, 1]), 3, 2)
    assert found.tolist() == [[0.75, 0.25, 0.0]] * 2


@pytest.mark.parametrize("baseline", [logistic_regression, nearest_neighbour])
def test_they_take_gaps_and_new_categories(baseline: Baseline) -> None:
    """Missing numbers, an empty column, huge values and an unseen category are no obstacle."""
    matrix, labels = draw(300)
    matrix[0, 2] = -1e300
    test = np.array([[2.0, np.nan, 0.0, 5.0], [-2.0, 1.0, np.nan, np.nan]])
    found = baseline(encoder(3), matrix, labels, test, 0)
    assert found.sum(axis=1) == pytest.approx(1)
    assert found[0, 1] > 0.8
    assert found[1, 1] < 0.2


@pytest.mark.parametrize("baseline", [logistic_regression, nearest_neighbour])
def test_a_class_that_the_sample_lacks_keeps_its_column(
    baseline: Baseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Columns mean classes: a class that was not drawn is unlikely there, and not left out."""
    monkeypatch.setattr(baselines, "MOST_ROWS", 40)
    matrix, labels = draw(400, 3)
    labels[labels == 1] = 0
    labels[0] = 1
    found = baseline(encoder(3), matrix, labels, matrix[:5], 3)
    assert found.shape == (5, 3)
    assert (found[:, 1] < 0.01).all()
    assert found.sum(axis=1) == pytest.approx(1)


def test_neighbours_are_the_nearest_ones() -> None:
    """By hand: the 50 nearest by distance of standardised numbers, and one row of the shares."""
    rng = np.random.default_rng(1)
    matrix, test = rng.normal(size=(200, 2)) * [1, 100], rng.normal(size=(4, 2)) * [1, 100]
    labels = rng.integers(0, 3, 200)
    found = nearest_neighbour(
        Encoder([("a", "number"), ("b", "number")], {}), matrix, labels, test, 0
    )
    scaled = (test - matrix.mean(axis=0)) / matrix.std(axis=0)
    points = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    for row, p in zip(scaled, found, strict=True):
        near = labels[np.argsort(((points - row) ** 2).sum(axis=1))[:50]]
        shares = np.bincount(labels, minlength=3) / 200
        assert p == pytest.approx((np.bincount(near, minlength=3) + shares) / 51)


@pytest.mark.parametrize(("kind", "more"), [("binary", 0), ("multiclass", 1)])
def test_each_kind_has_its_own(kind: str, more: int) -> None:
    """Neighbours only where there are several classes; no test rows are no obstacle."""
    matrix, labels = draw(120, 2 + more)
    names = ["prior", "logistic_regression", "nearest_neighbour"][: 2 + more]
    for rows in (0, 3):
        found = answers(kind, encoder(3), (matrix, labels), matrix[:rows], 0)  # type: ignore[arg-type]
        assert list(found) == names
        assert {p.shape for p in found.values()} == {(rows, 2 + more)}


@given(asked=st.integers(0, 40_000), width=st.integers(1, 150))
def test_neighbours_of_a_wide_table_are_bounded(asked: int, width: int) -> None:
    """The work never exceeds its bound, and a small table is not cut."""
    rows = affordable(asked, width)
    assert rows == LEAST_ROWS or rows * asked * (width + PAIR) <= MOST_WORK
    assert rows >= MOST_ROWS or asked * (width + PAIR) > MOST_WORK / MOST_ROWS - 1


def test_the_bound_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """With work for 50 rows only, everybody has the same 50 neighbours."""
    matrix, labels = draw(400)
    assert nearest_neighbour(encoder(3), matrix, labels, matrix[:40], 0)[:, 1].std() > 0.1
    monkeypatch.setattr(baselines, "LEAST_ROWS", 50)
    monkeypatch.setattr(baselines, "MOST_WORK", 1)
    found = nearest_neighbour(encoder(3), matrix, labels, matrix[:40], 0)
    assert found[:, 1].std() == pytest.approx(0)
