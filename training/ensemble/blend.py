"""Weighs candidates by their out-of-fold margins: few members, weights that sum to one.

Stacking by logistic regression with non-negative weights (Breiman 1996, "Stacked regressions",
on the log-odds): the loss is convex, so that there is one answer. Members of little weight go,
because each one costs time in every answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax

from lifecycle.metrics import Labels
from training.model import Matrix

MOST_MEMBERS = 3
LEAST_WEIGHT = 0.1
MOST_ROWS = 30_000  # a handful of weights need no more
RIDGE = 3e-3  # what brings nothing gets nothing, and equals share equally
MOST_WEIGHT = 3.0  # before they are made to sum to one: nothing is blown up into a say

Weights = npt.NDArray[np.float64]


def weights_of(margins: Sequence[Matrix], labels: Labels, seed: int) -> Weights:
    """Weight of each candidate, zero for most; they sum to one.

    Args:
        margins: out of fold, each of shape (n, K): log-odds, or log-probabilities.
        labels: class indices, shape (n,).
        seed: of the sample that is drawn when rows are many.
    """
    rows = np.arange(len(labels))
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))
    stack = np.stack([one[rows] for one in margins])
    everybody = np.arange(len(stack))
    first = stacked(stack, labels[rows])
    chosen = everybody[np.argsort(-first, kind="stable")][:MOST_MEMBERS]
    while True:
        weights = stacked(stack[chosen], labels[rows])
        heavy = weights >= LEAST_WEIGHT
        if heavy.all() or len(chosen) == 1:
            break
        chosen = chosen[heavy]
    found = np.zeros(len(stack))
    found[chosen] = weights
    return found


def stacked(stack: Matrix, labels: Labels) -> Weights:
    """Non-negative weights of the least log-loss, with a free scale and bias; sum one."""
    members, n, width = stack.shape
    if members == 1:
        return np.ones(1)
    classes = 2 if width == 1 else width
    full = stack if width > 1 else np.concatenate([np.zeros_like(stack), stack], axis=2)
    truth = np.eye(classes)[labels]

    def loss(x: Weights) -> tuple[float, Weights]:
        own, bias = x[:members], np.concatenate([[0.0], x[members:]])
        logs = log_softmax(np.tensordot(own, full, axes=1) + bias, axis=1)
        error = (np.exp(logs) - truth) / n
        gradient = np.einsum("nk,mnk->m", error, full) + 2 * RIDGE * own
        value = -float((truth * logs).sum()) / n + RIDGE * float(own @ own)
        return value, np.concatenate([gradient, error.sum(axis=0)[1:]])

    start = np.concatenate([np.full(members, 1 / members), np.zeros(classes - 1)])
    bounds = [(0.0, MOST_WEIGHT)] * members + [(None, None)] * (classes - 1)
    own = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x[:members]
    total = own.sum()
    return np.asarray(own / total if total > 0 else np.full(members, 1 / members))
