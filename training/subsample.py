"""Fewer rows: whole entities, drawn by seed, and of a problem the folds cut down to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from training.folds import Problem
from training.parts import Names
from training.splits import LEAST_CLASSES, Positions


def sample_entities(entities: Names, rows: int, seed: int) -> Positions:
    """Places of about `rows` rows: whole entities, drawn by seed, in their order.

    Args:
        entities: whose each row is, shape (n,).
        rows: wanted; all places when there are not more.
        seed: of the draw.
    """
    if len(entities) <= rows:
        return np.arange(len(entities))
    codes, names = pd.factorize(entities, sort=True)
    kept = np.random.default_rng(seed).random(len(names)) < rows / len(entities)
    return np.flatnonzero(kept[codes])


def whole_entities(
    problem: Problem, entities: Names, most: int, seed: int
) -> tuple[Problem, Names]:
    """About `most` rows where there are more.

    A fold that is left with one class on either side is left out, unless all would be: then the
    problem stays as it is.

    Args:
        problem: rows and folds.
        entities: whose each row is, shape (rows,).
        most: rows wanted.
        seed: of the draw.
    """
    chosen = sample_entities(entities, most, seed)
    if len(chosen) == len(entities):
        return problem, entities
    kept = np.zeros(len(entities), dtype=bool)
    kept[chosen] = True
    place = np.cumsum(kept) - 1

    def cut(positions: Positions) -> Positions:
        return np.asarray(place[positions[kept[positions]]], dtype=np.int64)

    labels = problem.labels[kept]
    folds = tuple((cut(fit), cut(validate)) for fit, validate in problem.folds)
    usable = tuple(
        sides
        for sides in folds
        if min(len(np.unique(labels[side])) for side in sides) >= LEAST_CLASSES
    )
    if not usable:
        return problem, entities
    less = replace(problem, matrix=problem.matrix[kept], labels=labels, folds=usable)
    return less, entities[kept]
