"""What is fitted for the chosen members: as much as the time left and the ceiling allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lifecycle.task import Task
from training.ensemble.blend import Weights
from training.ensemble.fits import Ground, fold_fits
from training.ensemble.pace import Pace, latency_ms
from training.ensemble.recipe import Fit, Member, Recipe
from training.search.plan import Candidate


def fitting(
    task: Task, ground: Ground, candidates: Sequence[Candidate], weights: Weights, pace: Pace,
    *, bag: bool,
) -> Recipe:  # fmt: skip
    """The richest recipe that the time left and the ceiling allow."""
    heavy = [i for i in np.argsort(-weights, kind="stable") if weights[i] > 0]
    members, shares = [candidates[i] for i in heavy], [float(weights[i]) for i in heavy]
    repeats = pace.repeats(members, len(ground.problem.labels))
    bagged = recipe_of(members, shares, ground, 0)
    if bag or repeats == 0:
        recipe = within(task, ground, bagged)
        # a refit keeps to a ceiling that a whole bag breaks, and is better than a part of one
        if repeats == 0 or whole(recipe, bagged):
            return recipe
    for count in range(repeats, 0, -1):
        recipe = recipe_of(members, shares, ground, count)
        if latency_ms(task, ground, recipe) <= task.latency_ms:
            return recipe
    return within(task, ground, recipe_of(members, shares, ground, 1))


def within(task: Task, ground: Ground, recipe: Recipe) -> Recipe:
    """Without its lightest members, then boosters, until it answers in time; one always stays.

    Of a fold bag the latest folds' stay: those of forward folds saw the most rows.
    """
    while len(recipe.members) > 1 and latency_ms(task, ground, recipe) > task.latency_ms:
        kept = recipe.members[:-1]
        total = sum(member.weight for member in kept)
        recipe = Recipe(members=tuple(replace(m, weight=m.weight / total) for m in kept))
    (heaviest, *_) = recipe.members
    while len(heaviest.fits) > 1 and latency_ms(task, ground, recipe) > task.latency_ms:
        heaviest = replace(heaviest, fits=heaviest.fits[1:])
        recipe = Recipe(members=(heaviest,))
    return recipe


def whole(recipe: Recipe, bagged: Recipe) -> bool:
    """Whether the members that stayed have the boosters of all folds."""
    return recipe.members[0].fits == bagged.members[0].fits


def recipe_of(
    members: Sequence[Candidate], weights: Sequence[float], ground: Ground, repeats: int
) -> Recipe:
    """Refits on every row, `repeats` of each with seeds of their own; 0: the folds' boosters."""
    seed = ground.problem.settings.seed

    def fits(candidate: Candidate) -> tuple[Fit, ...]:
        if repeats == 0:
            return fold_fits(ground, candidate)
        rounds = refit_rounds(ground, candidate)
        return tuple(Fit(fold=None, seed=seed + i, rounds=rounds) for i in range(repeats))

    return Recipe(
        members=tuple(
            Member(candidate=one, weight=weight, fits=fits(one))
            for one, weight in zip(members, weights, strict=True)
        )
    )


def refit_rounds(ground: Ground, candidate: Candidate) -> int:
    """More rows carry more rounds: as many more as a fold had fewer rows, by the square root."""
    folds = ground.problem.folds
    fitted = float(np.median([len(fit) for fit, _ in folds]))
    growth = float(np.sqrt(len(ground.problem.labels) / fitted))
    return max(1, round(candidate.typical_rounds * min(growth, 1.25)))
