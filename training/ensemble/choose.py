"""What to make of the best candidates: one or a blend, refitted or the folds' own boosters.

Every option is judged by out-of-fold evidence, in the task's metric, with all that is fitted for
it (weights, scaling) cross-fitted over entities: no row helps to weigh itself. What the evidence
leaves open is held to a ceiling on the time that one answer takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lifecycle.metrics import HIGHER_IS_BETTER, Labels, measure, metric, row_log_loss
from lifecycle.task import Task
from training.calibration import fit_scaling, standard_error
from training.ensemble.blend import weights_of
from training.ensemble.fits import (
    Ground,
    covered,
    fit_rows,
    fold_fits,
    margins_of,
    out_of_fold,
    side_by_side,
)
from training.ensemble.pace import Pace, latency_ms
from training.ensemble.recipe import Fit, Member, Recipe
from training.model import Matrix, calibrate, probabilities_of
from training.parts import Names
from training.search.plan import Candidate, Found

PARTS = 5
ARENA_ROWS = 20_000  # above, a refit and a bag are too alike to be worth the fits
ARENA_FOLDS = 3
CLEARLY_BETTER = 1.0  # standard errors by which the fold bag must beat a refit


@dataclass(frozen=True, kw_only=True)
class Option:
    """One thing that could be served, with its evidence.

    Attributes:
        value: of the task's metric, out of fold; NaN where it was not tried.
    """

    name: str
    value: float
    latency_ms: float
    chosen: bool = False
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Final:
    """What is to be made, and what spoke for it.

    Attributes:
        margins: of the chosen blend, out of fold, shape (rows, K); NaN where no fold validates.
        metrics: of the chosen blend out of fold, cross-fitted.
    """

    recipe: Recipe
    options: tuple[Option, ...]
    margins: Matrix
    metrics: Mapping[str, float]

    @property
    def best(self) -> Candidate:
        return self.recipe.best


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Out-of-fold margins of every candidate on the rows that all of them have."""

    task: Task
    labels: Labels
    parts: Labels
    margins: Sequence[Matrix]


def choose_final(task: Task, ground: Ground, entities: Names, found: Found, pace: Pace) -> Final:
    """Choose among the search's best candidates; see the module.

    Args:
        task: its metric decides, its `latency_ms` limits.
        ground: what the candidates were scored on.
        entities: whose each training row is, shape (rows,).
        found: candidates, best first.
        pace: how much time is left, and what a fit takes.
    """
    candidates = found.ranked if pace.unlimited else found.ranked[: pace.affordable]
    whole = [
        out_of_fold(ground, side_by_side(ground, [(one, fit) for fit in fold_fits(ground, one)]))
        for one in candidates
    ]  # fmt: skip
    rows = covered(whole[0])
    evidence = Evidence(
        task=task, labels=ground.problem.labels[rows], parts=parts_of(entities[rows], pace.seed),
        margins=[one[rows] for one in whole],
    )  # fmt: skip
    values = [value_of(evidence, [i]) for i in range(len(candidates))]
    sign = -1.0 if HIGHER_IS_BETTER[task.metric] else 1.0
    best = min(range(len(values)), key=lambda i: (sign * values[i], i))
    blended = value_of(evidence, list(range(len(values))))
    weights = np.eye(len(values))[best]
    if sign * blended < sign * values[best]:
        weights = weights_of(evidence.margins, evidence.labels, pace.seed)
    bag, arena = fold_bag_is_better(task, ground, entities, candidates[best], pace)
    recipe = fitting(task, ground, candidates, weights, pace, bag=bag)
    margins = sum(w * m for w, m in zip(weights, whole, strict=True) if w > 0)
    options = (
        Option(name=f"best candidate ({candidates[best].algorithm})", value=values[best],
               latency_ms=latency_ms(task, ground, recipe_of([candidates[best]], [1.0], ground, 1)),
               chosen=float(weights.max()) == 1.0),
        Option(name="blend", value=blended, chosen=float(weights.max()) < 1.0,
               latency_ms=latency_ms(task, ground, recipe)),
        *arena,
    )  # fmt: skip
    among = list(range(len(values))) if float(weights.max()) < 1.0 else [best]
    measured = measure(task.kind, evidence.labels, crossfitted(evidence, among))
    return Final(recipe=recipe, options=options, margins=np.asarray(margins), metrics=measured)


def parts_of(entities: Names, seed: int) -> Labels:
    """A part for each row, the same for all rows of an entity."""
    codes, names = pd.factorize(entities, sort=True)
    return np.asarray((np.random.default_rng(seed).permutation(len(names)) % PARTS)[codes])


def value_of(evidence: Evidence, among: Sequence[int]) -> float:
    """The task's metric of a blend of these, cross-fitted."""
    task = evidence.task
    return metric(task.kind, task.metric, evidence.labels, crossfitted(evidence, among))


def crossfitted(evidence: Evidence, among: Sequence[int]) -> Matrix:
    """Probabilities of each row by weights and a scaling that were fitted on other entities."""
    labels, chosen = evidence.labels, [evidence.margins[i] for i in among]
    found = np.zeros((len(labels), max(2, chosen[0].shape[1])))
    for part in np.unique(evidence.parts):
        inside = evidence.parts == part
        outside = ~inside if not inside.all() else inside
        weights = weights_of([one[outside] for one in chosen], labels[outside], 0)
        mixed = sum(w * one for w, one in zip(weights, chosen, strict=True))
        raw = probabilities_of(np.asarray(mixed))
        found[inside] = calibrate(fit_scaling(raw[outside], labels[outside]), raw[inside])
    return found


def fold_bag_is_better(
    task: Task, ground: Ground, entities: Names, candidate: Candidate, pace: Pace
) -> tuple[bool, tuple[Option, ...]]:
    """On the last fold: a bag of boosters, each without one other fold, against one of all.

    That is what a fold bag is to a refit, one fold earlier. The refit is the simpler and saw
    more rows: it stays unless the bag is clearly better.
    """
    folds = ground.problem.folds
    if len(folds) < ARENA_FOLDS or len(ground.problem.labels) > ARENA_ROWS or pace.short:
        return False, ()
    fit, validate = folds[-1]
    seed = ground.problem.settings.seed
    rounds = candidate.rounds
    single = fit_rows(
        ground, candidate, fit, Fit(fold=len(folds) - 1, seed=seed, rounds=rounds[-1])
    )
    bag = [
        fit_rows(ground, candidate, np.intersect1d(fit, other),
                 Fit(fold=place, seed=seed, rounds=rounds[place]))
        for place, (other, _) in enumerate(folds[:-1])
    ]  # fmt: skip
    matrix, labels = ground.problem.matrix[validate], ground.problem.labels[validate]
    answers = {
        "refit": margins_of(single.predict(matrix)),
        "fold bag": np.mean([margins_of(one.predict(matrix)) for one in bag], axis=0),
    }
    scaled = {}
    for name, margins in answers.items():
        raw = probabilities_of(margins)
        scaled[name] = calibrate(fit_scaling(raw, labels), raw)
    losses = {name: row_log_loss(labels, p) for name, p in scaled.items()}
    gap = losses["refit"] - losses["fold bag"]
    codes = pd.factorize(entities[validate], sort=True)[0]
    better = len(np.unique(codes)) > 1 and bool(
        gap.mean() > CLEARLY_BETTER * standard_error(gap, codes)
    )
    options = tuple(
        Option(
            name=name, value=metric(task.kind, task.metric, labels, p), latency_ms=float("nan"),
            chosen=(name == "fold bag") == better, note="on the last fold alone",
        )
        for name, p in scaled.items()
    )  # fmt: skip
    return better, options


def fitting(
    task: Task, ground: Ground, candidates: Sequence[Candidate], weights: Matrix, pace: Pace,
    *, bag: bool,
) -> Recipe:  # fmt: skip
    """The richest recipe that the time left and the ceiling allow."""
    heavy = [i for i in np.argsort(-weights, kind="stable") if weights[i] > 0]
    members, shares = [candidates[i] for i in heavy], [float(weights[i]) for i in heavy]
    repeats = pace.repeats(members, len(ground.problem.labels))
    bagged = recipe_of(members, shares, ground, 0)
    if bag or repeats == 0:
        return within(task, ground, bagged)
    for count in range(repeats, 0, -1):
        recipe = recipe_of(members, shares, ground, count)
        if latency_ms(task, ground, recipe) <= task.latency_ms:
            return recipe
    return within(task, ground, recipe_of(members, shares, ground, 1))


def within(task: Task, ground: Ground, recipe: Recipe) -> Recipe:
    """Without its lightest members, until it answers in time; one always stays."""
    while len(recipe.members) > 1 and latency_ms(task, ground, recipe) > task.latency_ms:
        kept = recipe.members[:-1]
        total = sum(member.weight for member in kept)
        recipe = Recipe(members=tuple(replace(m, weight=m.weight / total) for m in kept))
    return recipe


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
