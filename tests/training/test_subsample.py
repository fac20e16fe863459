"""A sample holds whole entities, and its folds are the old ones cut down."""

from __future__ import annotations

import numpy as np

from training.boosters import Settings
from training.folds import Problem
from training.model import Encoder
from training.subsample import sample_entities, whole_entities


def make_problem(n: int = 600) -> Problem:
    rng = np.random.default_rng(0)
    return Problem(
        encoder=Encoder([("a", "number")], {}),
        matrix=np.arange(float(n))[:, None],
        labels=rng.integers(0, 2, n),
        folds=((np.arange(200), np.arange(200, 400)), (np.arange(400), np.arange(400, n))),
        settings=Settings(classes=2, bins=31, seed=5),
    )


def test_a_sample_holds_whole_entities_only() -> None:
    """Each entity in it entirely, in the order of the rows."""
    names = np.repeat(np.arange(4_000), 3).astype(str).astype(object)
    chosen = sample_entities(names, 1_000, seed=0)
    assert 800 < len(chosen) < 1_200
    assert (np.diff(chosen) > 0).all()
    _, counts = np.unique(names[chosen], return_counts=True)
    assert (counts == 3).all()
    np.testing.assert_array_equal(sample_entities(names, 99_999, seed=0), np.arange(12_000))


def test_entities_are_kept_whole_and_folds_keep_their_sides() -> None:
    """Every row of a drawn entity is there, on the side of the fold that it was on."""
    problem, entities = make_problem(), np.repeat(np.arange(200), 3).astype(object)
    less, owners = whole_entities(problem, entities, 150, seed=1)
    rows = less.matrix[:, 0].astype(int)
    assert 90 < len(rows) < 210
    assert np.array_equal(np.isin(entities, owners), np.isin(np.arange(600), rows))
    assert np.array_equal(less.labels, problem.labels[rows])
    for (fit, validate), (old_fit, old_validate) in zip(less.folds, problem.folds, strict=True):
        assert np.array_equal(rows[fit], np.intersect1d(old_fit, rows))
        assert np.array_equal(rows[validate], np.intersect1d(old_validate, rows))
    again, _ = whole_entities(problem, entities, 150, seed=1)
    assert np.array_equal(again.matrix, less.matrix)


def test_few_rows_and_unusable_samples_stay_as_they_are() -> None:
    """Nothing is cut where nothing needs to be, nor where no fold would be left."""
    problem, entities = make_problem(), np.arange(600).astype(object)
    assert whole_entities(problem, entities, 600, seed=1) == (problem, entities)
    assert whole_entities(problem, entities, 1, seed=1) == (problem, entities)
