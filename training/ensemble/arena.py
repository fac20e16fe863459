"""Whether the folds' own boosters, averaged, do better than a refit on every row."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lifecycle.metrics import metric, row_log_loss
from lifecycle.task import Task
from training.calibration import fit_scaling, standard_error
from training.ensemble.evidence import CLEARLY_BETTER
from training.ensemble.fits import Ground, fit_rows, margins_of
from training.ensemble.options import Option
from training.ensemble.pace import Pace
from training.ensemble.recipe import Fit
from training.model import calibrate, probabilities_of
from training.parts import Names
from training.search.plan import Candidate

ARENA_ROWS = 10_000  # above, a refit and a bag are too alike to be worth the fits
ARENA_FOLDS = 3


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
            name=name, value=metric(task.kind, task.metric, labels, p),
            chosen=(name == "fold bag") == better, note="on the last fold alone",
        )
        for name, p in scaled.items()
    )  # fmt: skip
    return better, options
