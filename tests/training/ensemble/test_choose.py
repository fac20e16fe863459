"""What is made rests on out-of-fold evidence, keeps to its ceiling, and can be made again."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import CHURN, PREFERENCE, make_frame, make_set
from training.balancing.balance import Balance
from training.candidate import rebuild
from training.ensemble.choose import choose_final
from training.ensemble.fits import Ground, fit_one, fold_fits
from training.ensemble.fitting import fitting, recipe_of
from training.ensemble.pace import Pace, latency_ms
from training.ensemble.recipe import recipe_from_json, recipe_to_json
from training.finish import blended_margins, finish
from training.parts import Prepared, prepare_parts
from training.search.plan import Candidate, Found
from training.splits import Shares
from training.stages import stages_of

SOUND = Candidate(
    algorithm="lightgbm", balance=Balance(), rounds=(12, 16),
    params={"learning_rate": 0.2, "num_leaves": 7, "min_data_in_leaf": 20},
)  # fmt: skip
OTHER = Candidate(
    algorithm="xgboost", balance=Balance(method="class_weight"), rounds=(10, 14),
    params={"learning_rate": 0.2, "max_depth": 3},
)  # fmt: skip
CRIPPLED = replace(SOUND, params={"learning_rate": 1e-6, "num_leaves": 2})
PACE = Pace(deadline=None)


def ready(kind: str = "binary") -> tuple[Prepared, Ground]:
    task = PREFERENCE if kind == "multiclass" else CHURN
    prepared = prepare_parts(task, make_set(make_frame(customers=300, kind=kind)))
    return prepared, Ground(problem=stages_of(task, prepared, 0)[-1])


def test_both_boosters_are_blended_unless_one_alone_is_clearly_better() -> None:
    """A booster that learned nothing is not made; two sound ones are; balancing must earn it."""
    prepared, ground = ready()
    plain = replace(OTHER, balance=Balance())
    found = Found(ranked=(SOUND, OTHER, plain), value=0.5, trials=())
    final = choose_final(CHURN, ground, prepared.entities, found, PACE)
    made = [member.candidate for member in final.recipe.members]
    assert sorted(made, key=lambda one: one.algorithm) == [SOUND, plain]
    assert sum(member.weight for member in final.recipe.members) == pytest.approx(1)
    assert final.metrics["log_loss"] < 0.6
    assert [one.name for one in final.options if one.chosen][:3] == ["lightgbm", "xgboost", "blend"]
    found = Found(ranked=(CRIPPLED, plain), value=0.5, trials=())
    final = choose_final(CHURN, ground, prepared.entities, found, PACE)
    assert [member.candidate for member in final.recipe.members] == [plain]


def test_balancing_that_is_clearly_better_is_made() -> None:
    """A crippled booster without balancing loses to a sound one with it."""
    prepared, ground = ready()
    weighted = replace(SOUND, balance=Balance(method="class_weight"))
    found = Found(ranked=(CRIPPLED, weighted), value=0.5, trials=())
    final = choose_final(CHURN, ground, prepared.entities, found, PACE)
    assert final.best == weighted


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_a_recipe_makes_the_same_files_again(kind: str, tmp_path: Path) -> None:
    """Through JSON and without the search: byte for byte, kept boosters or not."""
    task = PREFERENCE if kind == "multiclass" else CHURN
    prepared, ground = ready(kind)
    found = Found(ranked=(SOUND, OTHER), value=0.5, trials=())
    final = choose_final(task, ground, prepared.entities, found, PACE)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    finish(task, prepared, ground, final.recipe, tmp_path / "one", 0, margins=final.margins)
    again = recipe_from_json(json.loads(json.dumps(recipe_to_json(final.recipe))))
    assert again == final.recipe
    rebuild(task, prepared, again, tmp_path / "two", 0)
    for name in ("forest.txt", "model.json", "recipe.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_ceiling_on_latency_takes_members_away() -> None:
    """Repeats go first, then the lightest members; one booster always stays."""
    _, ground = ready()
    members, weights = (SOUND, OTHER), np.array([0.6, 0.4])
    free = fitting(CHURN, ground, members, weights, PACE, bag=False)
    assert len(free.members) == 2
    assert len(free.members[0].fits) == 3
    tight = replace(CHURN, latency_ms=latency_ms(CHURN, ground, free) - 1e-6)
    fewer = fitting(tight, ground, members, weights, PACE, bag=False)
    assert sum(len(m.fits) for m in fewer.members) < 6
    hopeless = fitting(replace(CHURN, latency_ms=0.0), ground, members, weights, PACE, bag=False)
    assert [m.weight for m in hopeless.members] == [1.0]
    assert hopeless.best is SOUND


def test_a_ceiling_on_latency_holds_for_a_fold_bag_too() -> None:
    """A bag that is too slow gives way to a refit, and loses folds where there is no time."""
    _, ground = ready()
    bag = recipe_of((SOUND,), (1.0,), ground, 0)
    tight = replace(CHURN, latency_ms=latency_ms(CHURN, ground, bag) - 1e-6)
    one, alone = np.array([1.0]), (SOUND,)
    assert fitting(CHURN, ground, alone, one, PACE, bag=True) == bag
    refit = fitting(tight, ground, alone, one, PACE, bag=True)
    assert [fit.fold for fit in refit.members[0].fits] == [None]
    late = Pace(deadline=time.monotonic() + 1, per_row={"lightgbm": 1.0})
    fewer = fitting(tight, ground, alone, one, late, bag=True)
    assert [fit.fold for fit in fewer.members[0].fits] == [1]


@pytest.mark.parametrize("ceiling", [0.3, 0.0])
def test_evidence_is_of_what_is_made(ceiling: float) -> None:
    """Margins, metrics and options are those of the members that the ceiling left."""
    prepared, ground = ready()
    task = replace(CHURN, latency_ms=ceiling)
    found = Found(ranked=(SOUND, replace(OTHER, balance=Balance())), value=0.5, trials=())
    final = choose_final(task, ground, prepared.entities, found, PACE)
    assert len(final.recipe.members) == (2 if ceiling else 1)
    np.testing.assert_array_equal(final.margins, blended_margins(ground, final.recipe))
    chosen = [one.chosen for one in final.options[:3]]  # each booster, then the blend
    assert sum(chosen) == (3 if ceiling else 1)
    assert final.options[2].chosen == bool(ceiling)


def test_without_time_the_folds_own_boosters_serve() -> None:
    """A refit that would not end in time is not begun."""
    _, ground = ready()
    late = Pace(deadline=time.monotonic() + 1, per_row={"lightgbm": 1.0, "xgboost": 1.0})
    recipe = fitting(CHURN, ground, (SOUND,), np.array([1.0]), late, bag=False)
    assert recipe == recipe_of((SOUND,), (1.0,), ground, 0)
    assert [fit.fold for fit in recipe.members[0].fits] == [0, 1]


def test_a_fold_booster_is_the_one_that_was_scored(tmp_path: Path) -> None:
    """Fitted again for its rounds, or read where the search kept it: the same answers."""
    prepared, ground = ready()
    fits = fold_fits(ground, OTHER)
    fitted = fit_one(ground, OTHER, fits[1])
    (tmp_path / "fold-1").mkdir()
    fitted.save(tmp_path / "fold-1")
    kept = replace(ground, kept=lambda _: tmp_path)
    matrix = prepared.test.matrix
    np.testing.assert_array_equal(
        fit_one(kept, OTHER, fits[1]).predict(matrix), fitted.predict(matrix)
    )


def test_calibration_uses_rows_out_of_fold_where_none_were_held_back(tmp_path: Path) -> None:
    """The facts say which rows calibrated, and probabilities are sound either way."""
    for name, shares in (("held", Shares()), ("all", Shares(test=0.2, calibrate=0))):
        (tmp_path / name).mkdir()
        prepared = prepare_parts(CHURN, make_set(make_frame(customers=300)), shares)
        ground = Ground(problem=stages_of(CHURN, prepared, 0)[-1])
        recipe = recipe_of((OTHER,), (1.0,), ground, 1)
        scorer = finish(CHURN, prepared, ground, recipe, tmp_path / name, 0).scorer
        wanted = "later customers" if name == "held" else "training rows out of fold"
        assert scorer.facts["calibrated_on"] == wanted
        p = scorer.score_matrix(prepared.test.matrix)[:, 1]
        assert abs(p.mean() - prepared.test.labels.mean()) < 0.1


def test_with_no_time_left_what_was_kept_is_still_compared(tmp_path: Path) -> None:
    """Kept boosters cost no fit, so both libraries' are looked at; without them, the best alone."""
    prepared, ground = ready()
    plain = replace(OTHER, balance=Balance())
    for one in (SOUND, plain):
        for fit in fold_fits(ground, one):
            folder = tmp_path / one.algorithm / f"fold-{fit.fold}"
            folder.mkdir(parents=True)
            fit_one(ground, one, fit).save(folder)
    late = Pace(deadline=time.monotonic(), per_row={"lightgbm": 1.0, "xgboost": 1.0})
    found = Found(ranked=(SOUND, plain), value=0.5, trials=())
    kept = replace(ground, kept=lambda one: tmp_path / one.algorithm)
    names = [one.name for one in choose_final(CHURN, kept, prepared.entities, found, late).options]
    assert {"lightgbm", "xgboost"} <= set(names)
    alone = choose_final(CHURN, ground, prepared.entities, found, late)
    assert [one.candidate for one in alone.recipe.members] == [SOUND]
