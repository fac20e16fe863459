"""Folds of one search, balanced and binned once and reused by every trial that asks again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from lifecycle.metrics import Labels
from lifecycle.space import Algorithm
from training.balancing.balance import Balance, Balanced, rebalance
from training.boosters import Prepared, Rows, Settings, Weights, prepare
from training.model import Encoder, Matrix
from training.splits import Positions

KEPT = 16  # prepared folds held in memory

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Encoded training rows and where they are cut.

    Attributes:
        matrix: shape (rows, features).
        labels: shape (rows,), class indices.
        folds: (fit, validate) positions.
    """

    encoder: Encoder
    matrix: Matrix
    labels: Labels
    folds: Sequence[tuple[Positions, Positions]]
    settings: Settings


class FoldCache:
    """Remembers the newest balanced and prepared folds; a change of seed is another cache."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._balanced: OrderedDict[tuple[int, Balance], Balanced] = OrderedDict()
        self._prepared: OrderedDict[tuple[int, Balance, str], Prepared] = OrderedDict()

    def balanced(self, fold: int, balance: Balance) -> Balanced:
        """The fold's fitting rows after balancing: nothing of its validation rows is used."""

        def make() -> Balanced:
            problem, fit = self.problem, self.problem.folds[fold][0]
            return rebalance(
                problem.matrix[fit],
                problem.labels[fit],
                problem.encoder.category_columns,
                balance,
                problem.settings.seed + fold,
            )

        return remember(self._balanced, (fold, balance), make)

    def prepared(self, fold: int, balance: Balance, algorithm: Algorithm) -> Prepared:
        """The fold, binned for one library, with its validation rows to watch."""

        def make() -> Prepared:
            problem, rows = self.problem, self.balanced(fold, balance)
            validate = problem.folds[fold][1]
            watched = Rows(
                matrix=problem.matrix[validate],
                labels=problem.labels[validate],
                weights=watched_weights(rows, problem.labels[validate]),
            )
            fitting = Rows(matrix=rows.matrix, labels=rows.labels, weights=rows.weights)
            return prepare(algorithm, problem.encoder, fitting, watched, problem.settings)

        return remember(self._prepared, (fold, balance, algorithm), make)


def remember(cache: OrderedDict[Any, T], key: object, make: Callable[[], T]) -> T:
    """Least recently used goes first."""
    if key not in cache:
        cache[key] = make()
        while len(cache) > KEPT:
            cache.popitem(last=False)
    cache.move_to_end(key)
    return cache[key]


def watched_weights(fitted: Balanced, labels: Labels) -> Weights | None:
    """Weigh validation rows to the class shares that the booster is fitted on.

    A booster fitted on balanced classes gets worse on the true shares from its first rounds
    on; early stopping would end it at once. Watched on its own shares, it stops when it stops
    learning, and calibration brings the shares back.
    """
    if fitted.weights is None and not fitted.synthetic:
        return None
    classes = int(max(fitted.labels.max(), labels.max())) + 1
    wanted = np.bincount(fitted.labels, fitted.weights, minlength=classes)
    present = np.bincount(labels, minlength=classes)
    ratio = np.divide(wanted, present, out=np.zeros(classes), where=present > 0)
    weights = ratio[labels]
    return np.asarray(weights / weights.mean(), dtype=np.float64)
