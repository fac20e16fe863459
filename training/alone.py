"""What each feature tells by itself: of the label, and of the time.

A feature that alone nearly decides the label is most often written after the fact. A feature
that alone tells early customers from late ones (a running number, a date) teaches a model
nothing of those who come.

Every feature becomes levels: a category's values, a number's quantiles, and missing as a level
of its own, so that a leak may sit in gaps and need not be monotone. A level's class shares are
learnt on the rows of the fold that are fitted on and ranked on those that are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lifecycle.metrics import Labels
from training.folds import Problem
from training.model import Matrix
from training.splits import Positions

QUANTILES = 32
PRIOR_ROWS = 5.0  # by which a level's shares lean on those of all rows: few rows prove little
LEAST_ROWS = 25  # of a class out of fold, before it is judged by itself
LEAST_SAMPLE = 50  # rows on either side, before two samples are held against each other
BINARY = 2

Codes = npt.NDArray[np.int64]
Counts = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Alone:
    """One feature by itself, out of fold.

    Attributes:
        auc: one class against the rest, mean by the classes' shares; 0.5 tells nothing.
        best_class_auc: of the class that it tells best; binary: the same.
        overlap: share of its values that earlier and later customers have in common.
    """

    name: str
    auc: float
    best_class_auc: float
    overlap: float


def each_alone(problem: Problem, names: Sequence[str]) -> tuple[Alone, ...]:
    """Every feature of the problem by itself, in the order of the matrix."""
    categories = set(problem.encoder.category_columns)
    return tuple(
        alone(name, levels_of(problem.matrix[:, place], numeric=place not in categories), problem)
        for place, name in enumerate(names)
    )


def levels_of(values: Matrix, *, numeric: bool) -> Codes:
    """A level for each value, by the values alone; the highest level is missing.

    A number that is itself a quantile, such as the zero that half of the rows have, is a level
    of its own.
    """
    missing = np.isnan(values)
    if missing.all():
        return np.zeros(len(values), dtype=np.int64)
    known = values[~missing]
    edges = np.unique(known)
    if numeric and len(edges) > QUANTILES:
        shares = np.linspace(0, 1, QUANTILES + 1)[1:-1]
        edges = np.unique(np.quantile(known, shares, method="inverted_cdf"))
    found = np.full(len(values), 2 * len(edges) + 1, dtype=np.int64)
    found[~missing] = np.searchsorted(edges, known) + np.searchsorted(edges, known, side="right")
    return found


def alone(name: str, codes: Codes, problem: Problem) -> Alone:
    """Measure one feature, given as levels."""
    classes = problem.settings.classes
    tables = [
        (counted(codes, problem.labels, fit, classes), counted(codes, problem.labels, v, classes))
        for fit, v in problem.folds
    ]
    rows = np.array([judged.sum() for _, judged in tables])
    aucs = np.array([class_aucs(fitted, judged) for fitted, judged in tables])
    sizes = np.array([judged.sum(axis=0) for _, judged in tables])
    asked = [1] if classes == BINARY else list(range(classes))
    by_class = {one: mean(aucs[:, one], sizes[:, one]) for one in asked}
    totals = sizes.sum(axis=0)
    enough = [by_class[one] for one in asked if totals[one] >= LEAST_ROWS]
    return Alone(
        name=name,
        auc=mean(np.array([by_class[one] for one in asked]), totals[asked]),
        best_class_auc=max((v for v in enough if np.isfinite(v)), default=float("nan")),
        overlap=mean(np.array([shared(*both) for both in tables]), rows),
    )


def counted(codes: Codes, labels: Labels, rows: Positions, classes: int) -> Counts:
    """Rows by level and class, shape (levels, classes)."""
    levels = int(codes.max()) + 1
    found = np.bincount(codes[rows] * classes + labels[rows], minlength=levels * classes)
    return found.reshape(levels, classes).astype(np.float64)


def class_aucs(fitted: Counts, judged: Counts) -> Counts:
    """AUC of each class against the rest, shape (classes,); NaN where there is but one side."""
    prior = fitted.sum(axis=0) / max(fitted.sum(), 1.0)
    totals = fitted.sum(axis=1, keepdims=True)
    shares = (fitted + PRIOR_ROWS * prior) / (totals + PRIOR_ROWS)
    rest = judged.sum(axis=1, keepdims=True) - judged
    return np.array(
        [level_auc(shares[:, c], judged[:, c], rest[:, c]) for c in range(judged.shape[1])]
    )


def level_auc(scores: Counts, positives: Counts, negatives: Counts) -> float:
    """AUC of rows that have their level's score, from counts; ties are one half."""
    if not positives.sum() or not negatives.sum():
        return float("nan")
    _, place = np.unique(scores, return_inverse=True)
    ups, downs = np.bincount(place, positives), np.bincount(place, negatives)
    wins = ups @ (np.cumsum(downs) - downs / 2)
    return float(wins / (ups.sum() * downs.sum()))


def shared(fitted: Counts, judged: Counts) -> float:
    """How much two samples of levels have in common: 1 all, 0 nothing; NaN: too few rows."""
    one, other = fitted.sum(axis=1), judged.sum(axis=1)
    if min(one.sum(), other.sum()) < LEAST_SAMPLE:
        return float("nan")
    return float(np.minimum(one / one.sum(), other / other.sum()).sum())


def mean(values: Counts, weights: Counts) -> float:
    """Of what could be measured; NaN where nothing could."""
    told = np.isfinite(values) & (weights > 0)
    return float(np.average(values[told], weights=weights[told])) if told.any() else float("nan")
