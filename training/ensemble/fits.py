"""Fits boosters of a recipe, each with one thread, several side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from training.balancing.balance import Balance, Balanced, rebalance
from training.boosters import Fitted, Rows, load_fitted, prepare
from training.ensemble.forest import Forest, blend, of_lightgbm
from training.ensemble.from_xgboost import of_xgboost
from training.ensemble.recipe import Fit, Member, Recipe
from training.folds import Problem
from training.model import Encoder, Matrix
from training.search.plan import Candidate
from training.splits import Positions


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a recipe is fitted on.

    Attributes:
        problem: of all training rows, with the folds that candidates were scored on.
        kept: boosters of a candidate's folds, where the search left them.
        workers: fits at the same time.
        resampled: all training rows after balancing, kept for further refits and for facts.
    """

    problem: Problem
    kept: Callable[[Candidate], Path | None] = lambda candidate: None  # noqa: ARG005  # one shape
    workers: int = 1
    resampled: dict[Balance, Balanced] = field(default_factory=dict)

    def balanced(self, balance: Balance) -> Balanced:
        """All training rows after balancing."""
        if balance not in self.resampled:
            everything = np.arange(len(self.problem.labels))
            self.resampled[balance] = balanced_rows(self.problem, everything, balance, 0)
        return self.resampled[balance]


def balanced_rows(problem: Problem, rows: Positions, balance: Balance, fold: int) -> Balanced:
    """Rows after balancing, by the seed that the search balanced this fold with."""
    return rebalance(
        problem.matrix[rows], problem.labels[rows], problem.encoder.category_columns, balance,
        problem.settings.seed + fold,
    )  # fmt: skip


def fit_rows(ground: Ground, candidate: Candidate, rows: Positions, fit: Fit) -> Fitted:
    """Balance the rows and fit for a fixed number of rounds."""
    problem = ground.problem
    if fit.fold is None:
        balanced = ground.balanced(candidate.balance)
    else:
        balanced = balanced_rows(problem, rows, candidate.balance, fit.fold)
    given = Rows(matrix=balanced.matrix, labels=balanced.labels, weights=balanced.weights)
    settings = replace(problem.settings, rounds=fit.rounds, seed=fit.seed)
    fitting = prepare(candidate.algorithm, problem.encoder, given, None, settings)
    return fitting.fit(candidate.params, settings)


def fit_one(ground: Ground, candidate: Candidate, fit: Fit) -> Fitted:
    """The booster of one fit; a fold's own is read where the search kept it."""
    problem = ground.problem
    if fit.fold is None:
        return fit_rows(ground, candidate, np.arange(len(problem.labels)), fit)
    kept = ground.kept(candidate)
    if kept is not None and fit.seed == problem.settings.seed:
        folder = kept / f"fold-{fit.fold}"
        found = load_fitted(candidate.algorithm, folder, fit.rounds, problem.encoder)
        if found is not None:
            return found
    return fit_rows(ground, candidate, problem.folds[fit.fold][0], fit)


def side_by_side(
    ground: Ground, work: Sequence[tuple[Candidate, Fit]]
) -> list[Fitted]:  # order of the work
    """Fit several; each has one thread and rows of its own, so that the order is no matter."""
    with ThreadPoolExecutor(max_workers=max(1, ground.workers)) as pool:
        return list(pool.map(lambda one: fit_one(ground, *one), work))


def fold_fits(ground: Ground, candidate: Candidate) -> tuple[Fit, ...]:
    """The fits that its folds were scored with."""
    seed = ground.problem.settings.seed
    return tuple(
        Fit(fold=fold, seed=seed, rounds=rounds) for fold, rounds in enumerate(candidate.rounds)
    )


def out_of_fold(ground: Ground, fitted: Sequence[Fitted]) -> Matrix:
    """Margins of shape (rows, K) by boosters, one a fold, that did not see the row; else NaN."""
    problem = ground.problem
    width = 1 if problem.settings.classes == 2 else problem.settings.classes  # noqa: PLR2004
    margins = np.full((len(problem.labels), width), np.nan)
    for booster, (_, validate) in zip(fitted, problem.folds, strict=True):
        margins[validate] = margins_of(booster.predict(problem.matrix[validate]))
    return margins


def margins_of(raw: Matrix) -> Matrix:
    """Raw class probabilities as margins: log-odds of two classes, logs of more."""
    logs = np.log(np.clip(raw, 1e-7, 1 - 1e-7))
    return logs[:, 1:] - logs[:, :1] if raw.shape[1] == 2 else logs  # noqa: PLR2004  # two classes


def forest_of(fitted: Fitted, encoder: Encoder) -> Forest:
    """A fitted booster's trees."""
    booster = fitted.booster
    if fitted.algorithm == "lightgbm":
        return of_lightgbm(booster, fitted.rounds)
    levels = {
        column: len(encoder.categories[encoder.features[column][0]])
        for column in encoder.category_columns
    }
    return of_xgboost(booster, fitted.rounds, levels)


def merged(members: Sequence[tuple[Member, Sequence[Fitted]]], encoder: Encoder) -> Forest:
    """One forest of every member's boosters, with the weights in its leaves."""
    return blend(
        [
            (forest_of(fitted, encoder), member.weight / len(boosters))
            for member, boosters in members
            for fitted in boosters
        ]
    )


def made(ground: Ground, recipe: Recipe) -> list[tuple[Member, Sequence[Fitted]]]:
    """Every booster of a recipe, by member."""
    work = [(member.candidate, fit) for member in recipe.members for fit in member.fits]
    boosters = iter(side_by_side(ground, work))
    return [(member, [next(boosters) for _ in member.fits]) for member in recipe.members]


def covered(margins: Matrix) -> Positions:
    """Places of the rows that have an out-of-fold margin."""
    return np.flatnonzero(~np.isnan(margins[:, 0]))
