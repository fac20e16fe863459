"""What to make of the best candidates: one or a blend, refitted or the folds' own boosters.

Every option is judged by its out-of-fold log-loss, with its scaling cross-fitted over entities,
and noise is told from difference by standard errors over entities. What the evidence leaves open
is held to a ceiling on the time that one answer takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from lifecycle.metrics import measure, metric
from lifecycle.task import Task
from training.ensemble.arena import fold_bag_is_better
from training.ensemble.blend import Weights, weights_of
from training.ensemble.evidence import Evidence, mixed, parts_of
from training.ensemble.fits import Ground, covered, fold_fits, out_of_fold, side_by_side
from training.ensemble.fitting import fitting
from training.ensemble.options import Option
from training.ensemble.pace import Pace
from training.ensemble.recipe import Recipe
from training.model import Matrix
from training.parts import Names
from training.search.plan import Candidate, Found


@dataclass(frozen=True, kw_only=True)
class Final:
    """What is to be made, and what spoke for it.

    Attributes:
        margins: of what is made, out of fold, shape (rows, K); NaN where no fold validates.
        metrics: of what is made, out of fold, cross-fitted.
    """

    recipe: Recipe
    options: tuple[Option, ...]
    margins: Matrix
    metrics: Mapping[str, float]

    @property
    def best(self) -> Candidate:
        return self.recipe.best


def choose_final(task: Task, ground: Ground, entities: Names, found: Found, pace: Pace) -> Final:
    """Choose among the search's best candidates; see the module.

    Args:
        task: its metric is reported, its `latency_ms` limits.
        ground: what the candidates were scored on.
        entities: whose each training row is, shape (rows,).
        found: candidates, best first.
        pace: how much time is left, and what a fit takes.
    """
    candidates = contenders(found.ranked)
    if pace.short:  # then only what costs no fit is looked at
        kept = [one for one in candidates if ground.kept(one)]
        candidates = kept or candidates[:1]
    whole = [
        out_of_fold(ground, side_by_side(ground, [(one, fit) for fit in fold_fits(ground, one)]))
        for one in candidates
    ]
    rows = covered(whole[0])
    owners = entities[rows]
    evidence = Evidence(
        task=task, labels=ground.problem.labels[rows], parts=parts_of(owners, pace.seed),
        codes=pd.factorize(owners, sort=True)[0], margins=[one[rows] for one in whole],
    )  # fmt: skip
    weights, options = weighed(evidence, candidates)
    best = candidates[int(weights.argmax())]
    bag, arena = fold_bag_is_better(task, ground, entities, best, pace)
    recipe = fitting(task, ground, candidates, weights, pace, bag=bag)
    left = left_of(recipe, candidates)
    return Final(
        recipe=recipe,
        options=as_made((*options, *arena), left, recipe),
        margins=mixed(whole, left),
        metrics=measure(task.kind, evidence.labels, evidence.probabilities(left)),
    )


def left_of(recipe: Recipe, candidates: Sequence[Candidate]) -> Weights:
    """Each candidate's weight in what is made: a ceiling may have taken members away."""
    return np.array(
        [sum(m.weight for m in recipe.members if m.candidate is one) for one in candidates]
    )


def as_made(options: Sequence[Option], left: Weights, recipe: Recipe) -> tuple[Option, ...]:
    """The options, one a candidate first, with what the ceiling took away said as such."""
    made = {"blend": len(recipe.members) > 1, "fold bag": recipe.bag, "refit": not recipe.bag}
    found = []
    for place, one in enumerate(options):
        kept = bool(left[place] > 0) if place < len(left) else made[one.name]
        note = one.note
        if one.chosen and place < len(left):
            note = f"weight {left[place]:.2f}" if kept else "takes too long"
        found.append(replace(one, chosen=kept, note=note))
    return tuple(found)


def contenders(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The best of each algorithm without balancing, and the best with; best first."""
    seen: set[tuple[str, bool]] = set()
    chosen = []
    for one in ranked:
        kind = (one.algorithm, one.balance.method == "none")
        if kind not in seen:
            seen.add(kind)
            chosen.append(one)
    return chosen


def weighed(
    evidence: Evidence, candidates: Sequence[Candidate]
) -> tuple[Weights, tuple[Option, ...]]:
    """The weight of each candidate, and what was compared.

    Of each algorithm one stands: with balancing only where that is clearly better, because it is
    one thing more that must be right. The two are blended unless one alone is clearly better:
    boosters that err differently seldom do worse together. Weights lie half way between equal
    ones and the stacked ones, whose noise is larger than what they are right about.
    """
    alone = np.eye(len(candidates))
    losses = [evidence.losses(row) for row in alone]
    standing = [
        standing_of(evidence, candidates, losses, algorithm)
        for algorithm in dict.fromkeys(one.algorithm for one in candidates)
    ]
    standing.sort(key=lambda i: float(losses[i].mean()))
    best = standing[0]
    weights = np.zeros(len(candidates))
    stacked = weights_of([evidence.margins[i] for i in standing], evidence.labels, 0)
    heavy = stacked > 0  # what stacking has no use for adds nothing but time
    weights[np.array(standing)[heavy]] = (stacked[heavy] + 1 / heavy.sum()) / 2
    blended = evidence.losses(weights)
    single = evidence.clearly(losses[best], blended)
    chosen = alone[best] if single else weights
    value = partial(metric, evidence.task.kind, evidence.task.metric, evidence.labels)
    options = [
        Option(
            name=told(one), value=value(evidence.probabilities(alone[i])),
            chosen=bool(chosen[i] > 0), note=f"weight {chosen[i]:.2f}" if chosen[i] else "",
        )
        for i, one in enumerate(candidates)
    ]  # fmt: skip
    if heavy.sum() > 1:
        both = value(evidence.probabilities(weights))
        options.append(Option(name="blend", value=both, chosen=not single))
    return chosen, tuple(options)


def standing_of(
    evidence: Evidence, candidates: Sequence[Candidate], losses: Sequence[Matrix], algorithm: str
) -> int:
    """The place of an algorithm's candidate that may be made."""
    own = [i for i, one in enumerate(candidates) if one.algorithm == algorithm]
    plain = [i for i in own if candidates[i].balance.method == "none"]
    balanced = [i for i in own if i not in plain]
    if plain and balanced and evidence.clearly(losses[balanced[0]], losses[plain[0]]):
        return balanced[0]
    return (plain or balanced)[0]


def told(candidate: Candidate) -> str:
    method = candidate.balance.method
    return candidate.algorithm if method == "none" else f"{candidate.algorithm}, {method}"
