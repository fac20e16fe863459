"""The folds' own boosters serve where their mean is clearly better than a refit, and only there."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from scipy.special import expit

from tasks import find
from training.balancing.balance import Balance
from training.boosters import Settings
from training.ensemble.arena import ARENA_ROWS, fold_bag_is_better
from training.ensemble.choose import choose_final
from training.ensemble.fits import Ground
from training.ensemble.pace import Pace
from training.folds import Problem
from training.model import Encoder
from training.search.plan import Candidate, Found

CHURN = find("churn")
HALF, LATER = 200, 4_000  # rows of each half that is fitted on, and of those that are judged
PACE = Pace(deadline=None)
HUGE = Candidate(
    algorithm="lightgbm", balance=Balance(), rounds=(5, 5, 5),
    params={"learning_rate": 0.5, "num_leaves": 255, "min_data_in_leaf": 1,
            "min_sum_hessian_in_leaf": 0.0},
)  # fmt: skip
CAREFUL = replace(HUGE, params={"learning_rate": 0.3, "num_leaves": 2, "min_data_in_leaf": 120})


def make_ground() -> Ground:
    """Few noisy rows in two halves, each left out of a fold, and many later ones for the last."""
    rng = np.random.default_rng(0)
    rows = 2 * HALF + LATER
    matrix = rng.normal(size=(rows, 4))
    labels = (rng.random(rows) < expit(1.2 * matrix[:, 0] - 0.8 * matrix[:, 1])).astype(np.int64)
    one, two, later = np.split(np.arange(rows), [HALF, 2 * HALF])
    folds = (
        (np.concatenate([two, later]), one),
        (np.concatenate([one, later]), two),
        (np.concatenate([one, two]), later),
    )
    encoder = Encoder([(f"n{i}", "number") for i in range(4)], {})
    settings = Settings(classes=2, bins=255, seed=0, rounds=40)
    return Ground(
        problem=Problem(
            encoder=encoder, matrix=matrix, labels=labels, folds=folds, settings=settings
        )
    )


ENTITIES = np.arange(2 * HALF + LATER).astype(object)


def test_boosters_that_learn_noise_are_bagged() -> None:
    """Huge trees on few noisy rows: their mean is clearly better, and is what is made."""
    ground = make_ground()
    better, options = fold_bag_is_better(CHURN, ground, ENTITIES, HUGE, PACE)
    assert better
    refit, bag = options
    assert (refit.name, bag.name) == ("refit", "fold bag")
    assert bag.value < refit.value
    assert (refit.chosen, bag.chosen) == (False, True)
    found = Found(ranked=(HUGE,), value=0.6, trials=())
    final = choose_final(CHURN, ground, ENTITIES, found, PACE)
    assert [fit.fold for fit in final.recipe.members[0].fits] == [0, 1, 2]
    assert [one.name for one in final.options if one.chosen] == ["lightgbm", "fold bag"]


def test_a_booster_that_needs_all_rows_is_refitted() -> None:
    """Leaves of 120 rows split 400 of them and not 200: each half alone learns nothing."""
    better, options = fold_bag_is_better(CHURN, make_ground(), ENTITIES, CAREFUL, PACE)
    assert not better
    assert options[0].value < options[1].value
    assert [(one.name, one.chosen) for one in options] == [("refit", True), ("fold bag", False)]


def test_a_bag_of_one_customer_is_no_evidence() -> None:
    """However many rows: those of one entity are one witness."""
    nobody_else = np.zeros(len(ENTITIES), dtype=object)
    assert not fold_bag_is_better(CHURN, make_ground(), nobody_else, HUGE, PACE)[0]


def test_what_cannot_tell_or_would_cost_too_much_is_not_tried() -> None:
    """Two folds, too many rows or no time left: the refit stays and nothing is claimed."""
    ground = make_ground()
    problem = ground.problem
    fewer = Ground(problem=replace(problem, folds=problem.folds[1:]))
    many = np.zeros(ARENA_ROWS + 1, dtype=np.int64)
    larger = Ground(problem=replace(problem, labels=many))
    late = Pace(deadline=time.monotonic() + 1)
    for asked, pace in ((fewer, PACE), (larger, PACE), (ground, late)):
        assert fold_bag_is_better(CHURN, asked, ENTITIES, HUGE, pace) == (False, ())
