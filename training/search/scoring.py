"""One candidate on one fold: fitted, then scored on the rows it was watched on.

Every fold is scored after a two-parameter scaling fitted on its validation rows, for all
candidates alike, because the winner is calibrated too and balancing shifts raw probabilities.
"""

from __future__ import annotations

from dataclasses import replace

from lifecycle.metrics import metric
from training.boosters import Fitted, patience_for
from training.calibration import fit_scaling
from training.folds import FoldCache, Problem
from training.model import calibrate
from training.search.plan import Candidate, Plan

LEARNING_RATE = 0.1  # of both libraries, near enough, where the space leaves it out


def fit_fold(
    candidate: Candidate, cache: FoldCache, fold: int, until: float | None = None
) -> Fitted:
    """Fit on a fold's rows, balanced and binned once for every candidate that asks again.

    Args:
        candidate: what to fit.
        cache: of the problem.
        fold: its place.
        until: when to stop growing, in seconds since the epoch; None: no limit.
    """
    learning_rate = float(candidate.params.get("learning_rate") or LEARNING_RATE)
    settings = replace(cache.problem.settings, patience=patience_for(learning_rate), until=until)
    prepared = cache.prepared(fold, candidate.balance, candidate.algorithm)
    return prepared.fit(candidate.params, settings)


def score_fold(fitted: Fitted, plan: Plan, problem: Problem, fold: int) -> float:
    """The task's metric on the fold's validation rows."""
    validate = problem.folds[fold][1]
    raw, labels = fitted.predict(problem.matrix[validate]), problem.labels[validate]
    return metric(plan.kind, plan.metric, labels, calibrate(fit_scaling(raw, labels), raw))
