"""Folds of one search, balanced and binned once and reused by every trial that asks again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lifecycle.metrics import Labels
from lifecycle.space import Algorithm
from training.balancing.balance import Balance, Balanced, Balancer
from training.boosters import Prepared, Rows, Settings, Weights, prepare
from training.held import Held
from training.model import Encoder, Matrix
from training.splits import Positions

MOST_BYTES = 2**30  # of balanced and binned folds, over all processes that run trials


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
    """Balances and bins each fold once for all trials that ask for the same.

    Neighbours are sought once a fold, resampled rows are kept by (fold, method, k, ratio), and
    binned rows by the library too, as long as they fit into `most` bytes. A change of seed is
    another cache.
    """

    def __init__(self, problem: Problem, most: int = MOST_BYTES) -> None:
        self.problem = problem
        self.held = Held(most)
        self._balancers: dict[int, Balancer] = {}

    def balanced(self, fold: int, balance: Balance) -> Balanced:
        """The fold's fitting rows after balancing: nothing of its validation rows is used."""

        def make() -> tuple[Balanced, int]:
            rows = self._balancer(fold).balanced(balance, self.problem.settings.seed + fold)
            return rows, rows.nbytes

        return self.held.get((fold, balance.plain), make)

    def _balancer(self, fold: int) -> Balancer:
        """One for each fold, and never let go: what is dear about it is its neighbours."""
        if fold not in self._balancers:
            problem, fit = self.problem, self.problem.folds[fold][0]
            self._balancers[fold] = Balancer(
                problem.matrix[fit], problem.labels[fit], problem.encoder.category_columns
            )
        return self._balancers[fold]

    def prepared(self, fold: int, balance: Balance, algorithm: Algorithm) -> Prepared:
        """The fold, binned for one library, with its validation rows to watch."""

        def make() -> tuple[Prepared, int]:
            problem, rows = self.problem, self.balanced(fold, balance)
            validate = problem.folds[fold][1]
            watched = Rows(
                matrix=problem.matrix[validate],
                labels=problem.labels[validate],
                weights=watched_weights(rows, problem.labels[validate]),
            )
            fitting = Rows(matrix=rows.matrix, labels=rows.labels, weights=rows.weights)
            made = prepare(algorithm, problem.encoder, fitting, watched, problem.settings)
            # a library holds a byte a cell and the watched rows, and LightGBM the rows as well
            return made, rows.nbytes + watched.matrix.nbytes

        return self.held.get((fold, balance.plain, algorithm), make)


def watched_weights(fitted: Balanced, labels: Labels) -> Weights | None:
    """Weigh validation rows to the class shares that the booster is fitted on.

    A booster fitted on balanced classes gets worse on the true shares from its first rounds
    on; early stopping would end it at once. Watched on its own shares, it stops when it stops
    learning, and calibration brings the shares back.
    """
    if not fitted.changed:
        return None
    classes = int(max(fitted.labels.max(), labels.max())) + 1
    wanted = np.bincount(fitted.labels, fitted.weights, minlength=classes)
    present = np.bincount(labels, minlength=classes)
    ratio = np.divide(wanted, present, out=np.zeros(classes), where=present > 0)
    weights = ratio[labels]
    return np.asarray(weights / weights.mean(), dtype=np.float64)
