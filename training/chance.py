"""Is there a path from the rows that are judged to the model? Shuffle the label and see.

Where labels are dealt to other customers at random, nothing can be learnt, and whoever still
ranks unseen rows better than by chance has seen them: a customer on both sides of a fold, a
category encoded with the labels of all rows, a row that is there twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from lifecycle.metrics import Labels
from training.ensemble.fits import Ground, fit_rows
from training.ensemble.recipe import Fit
from training.folds import Problem
from training.model import Matrix
from training.promotion.paired import components
from training.search.plan import Candidate
from training.splits import Positions

BINARY = 2
SURE = 3.1  # standard errors: one false alarm in a thousand trainings
MATERIAL = 0.02  # of AUC above one half: less is no leak worth a person's time
LEAST_CUSTOMERS = 30  # out of fold, before an error is an error
BLIND = 0.1  # a standard error beyond which nothing can be told
NOISE_ROUNDS = 50  # a leak that a model can use shows in its first trees

Answers = Sequence[tuple[Positions, Matrix]]


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """How well rows are ranked out of fold.

    Attributes:
        auc: mean over folds (by rows) and classes (by share) of one class against the rest.
        error: its standard error, by customer; NaN where it cannot be told.
    """

    auc: float
    error: float

    @property
    def told(self) -> bool:
        return bool(np.isfinite(self.error)) and self.error <= BLIND

    @property
    def above_chance(self) -> bool:
        """Better than chance by more than luck, and by enough to matter."""
        lead = self.auc - 0.5
        return self.told and lead > MATERIAL and lead > SURE * self.error


def shuffled_ranking(
    problem: Problem, candidate: Candidate, entities: npt.NDArray[np.object_], seed: int
) -> Ranking:
    """The candidate's ranking out of fold after it learnt labels of other customers."""
    dealt = shuffled(problem.labels, entities, np.random.default_rng(seed))
    few = min(candidate.typical_rounds, NOISE_ROUNDS)
    answers = out_of_fold(problem, candidate, dealt, few)
    return ranking(dealt, answers, entities, mutual=mutual(problem))


def mutual(problem: Problem) -> bool:
    """Whether two folds learn from each other's rows, as forward folds never do."""
    return any(
        np.isin(one[1], other[0]).any() and np.isin(other[1], one[0]).any()
        for one, other in combinations(problem.folds, 2)
    )


def shuffled(labels: Labels, entities: npt.NDArray[np.object_], rng: np.random.Generator) -> Labels:
    """Labels dealt to other customers, in the runs in which customers have them.

    By customer and not by row, because rows of one customer have alike labels: a model that
    knows a customer again must be found out.
    """
    codes, names = pd.factorize(entities)
    givers = rng.permutation(len(names))
    dealt = np.empty_like(labels)
    dealt[np.argsort(codes, kind="stable")] = labels[np.argsort(givers[codes], kind="stable")]
    return dealt


def out_of_fold(problem: Problem, candidate: Candidate, labels: Labels, rounds: int) -> Answers:
    """(validation rows, raw probabilities) of each fold, fitted without a look at those rows.

    A fold whose fitting rows have one class is left out.
    """
    ground = Ground(problem=replace(problem, labels=labels))
    found = []
    for i, (fit, validate) in enumerate(problem.folds):
        if len(np.unique(labels[fit])) < BINARY:
            continue
        one = Fit(fold=i, seed=problem.settings.seed, rounds=rounds)
        fitted = fit_rows(ground, candidate, fit, one)
        found.append((validate, fitted.predict(problem.matrix[validate])))
    return found


def ranking(
    labels: Labels, answers: Answers, entities: npt.NDArray[np.object_], *, mutual: bool = False
) -> Ranking:
    """Mean AUC with its standard error from each customer's influence on it.

    The influence of a row is its structural component (DeLong et al. 1988), centred; summed by
    customer as in Obuchowski 1997, and over classes and folds, since a customer has rows in all.

    Where folds learn from each other's rows, a feature that agrees with the labels by luck is
    right in all of them: measured on shuffled labels, the deviation of the mean is 1.2 to 1.7 of
    that error (three and five folds). Then the error is the mean of the folds' own, which is what
    it can come to at most.
    """
    judged = [fold for fold in answers if len(np.unique(labels[fold[0]])) >= BINARY]
    rows = sum(len(validate) for validate, _ in judged)
    influence = np.zeros(len(labels))
    auc = 0.0
    for validate, probabilities in judged:
        share = len(validate) / rows
        value, own = fold_ranking(labels[validate], probabilities)
        auc += share * value
        influence[validate] += share * own
    if not rows:
        return Ranking(auc=float("nan"), error=float("nan"))
    sides = [validate for validate, _ in judged]
    seen = np.concatenate(sides)
    if len(pd.unique(entities[seen])) < LEAST_CUSTOMERS:
        return Ranking(auc=float(auc), error=float("nan"))
    errors = [error_of(influence[rows], entities[rows]) for rows in (sides if mutual else [seen])]
    return Ranking(auc=float(auc), error=sum(errors))


def error_of(influence: Matrix, entities: npt.NDArray[np.object_]) -> float:
    """Standard error of a sum of influences, with a customer's taken together."""
    codes, names = pd.factorize(entities)
    sums, clusters = np.bincount(codes, influence), len(names)
    if clusters < BINARY:
        return float("nan")
    return float(np.sqrt((sums @ sums) * clusters / (clusters - 1)))


def fold_ranking(labels: Labels, probabilities: Matrix) -> tuple[float, Matrix]:
    """AUC of one fold, classes by share, and the influence of each of its rows."""
    classes = [1] if probabilities.shape[1] == BINARY else [int(c) for c in np.unique(labels)]
    counts = np.array([(labels == one).sum() for one in classes], dtype=np.float64)
    influence = np.zeros(len(labels))
    auc = 0.0
    for one, weight in zip(classes, counts / counts.sum(), strict=True):
        positive = labels == one
        value, above, below = components(positive.astype(np.int64), probabilities[:, one])
        auc += weight * value
        influence[positive] += weight * (above - value) / len(above)
        influence[~positive] += weight * (below - value) / len(below)
    return auc, influence
