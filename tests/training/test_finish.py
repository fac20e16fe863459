"""What balancing did to the class shares is known at the end, whoever is blended."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from training.balancing.balance import Balance
from training.boosters import Settings
from training.ensemble.fits import Ground
from training.ensemble.recipe import Fit, Member, Recipe
from training.finish import shift_of
from training.folds import Problem
from training.model import Encoder
from training.search.plan import Candidate

UNDER, WEIGHTED, PLAIN = (
    Balance(method="under"), Balance(method="class_weight"), Balance(),
)  # fmt: skip
BOTH = np.log([0.8 / 0.5, 0.2 / 0.5])  # from one half each back to 80 and 20 %


def make_ground() -> Ground:
    """400 rows, one in five a yes."""
    rows = np.arange(400)
    problem = Problem(
        encoder=Encoder([("a", "number")], {}), matrix=rows[:, None].astype(np.float64),
        labels=(rows % 5 == 0).astype(np.int64), folds=((rows[:200], rows[200:]),),
        settings=Settings(classes=2, bins=31, seed=0, rounds=5),
    )  # fmt: skip
    return Ground(problem=problem)


def blended(weights: Mapping[Balance, float]) -> Recipe:
    return Recipe(
        members=tuple(
            Member(
                candidate=Candidate(algorithm="lightgbm", params={}, balance=balance, rounds=(5,)),
                weight=weight, fits=(Fit(fold=None, seed=0, rounds=5),),
            )
            for balance, weight in weights.items()
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("weights", "share"),
    [({UNDER: 1.0}, 1.0), ({WEIGHTED: 1.0}, 1.0), ({UNDER: 0.3, PLAIN: 0.7}, 0.3),
     ({WEIGHTED: 0.5, UNDER: 0.2, PLAIN: 0.3}, 0.7)],
    ids=["under", "weights", "a third", "a blend of three"],
)  # fmt: skip
def test_the_shift_is_that_of_the_blend(weights: Mapping[Balance, float], share: float) -> None:
    """Rows left out shift as weights do; a blend shifts by the weight of those that were."""
    shift = shift_of(make_ground(), blended(weights))
    assert shift is not None
    assert shift == pytest.approx({0: share * BOTH[0], 1: share * BOTH[1]})


def test_a_blend_that_saw_the_true_shares_has_no_shift() -> None:
    """None, and not zeros: the prior is then not offered as a calibrator."""
    assert shift_of(make_ground(), blended({PLAIN: 1.0})) is None
