"""The canaries sing when something is too good to be true, by name, and never otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.training.canary_rows import CANDIDATE, Asked, labels, names, problem, who
from training import canaries
from training.canaries import canary_section
from training.report.section import Section

KINDS = {2: "binary", 3: "multiclass"}


def sung(asked: Asked) -> Section:
    kind = KINDS[asked.classes]
    return canary_section(  # type: ignore[arg-type]
        kind, problem(asked), CANDIDATE, who(asked), names(asked), asked.seed
    )


def planted(asked: Asked, noise: float) -> Asked:
    """A column from the future: the label and some noise."""
    rng = np.random.default_rng(asked.seed + 1)
    return replace(
        asked, extra={"future": labels(asked) + rng.normal(scale=noise, size=3 * asked.customers)}
    )


@pytest.mark.parametrize("classes", KINDS)
def test_a_planted_future_column_is_flagged_by_name(classes: int) -> None:
    """Label plus noise among honest columns: one warning, and it names that column."""
    found = sung(planted(Asked(classes=classes), noise=0.25))
    (warning,) = found.warnings
    assert warning.startswith("future alone nearly decides the label")
    assert warning.endswith("is it known at the moment?")
    assert "future" in found.words
    assert found.tables["features_alone"].rows[0][0] == "future"
    assert found.metrics["deciding_features"] == 1


def test_a_leak_in_the_gaps_is_flagged() -> None:
    """A column whose values are noise and whose gaps are the answer."""
    asked = Asked()
    values = np.random.default_rng(1).normal(size=600)
    values[labels(asked) == 1] = np.nan
    assert "gaps alone nearly decides" in sung(replace(asked, extra={"gaps": values})).warnings[0]


def test_a_leak_that_is_not_monotone_is_flagged() -> None:
    """Both ends say yes and the middle says no: a rank correlation would see nothing."""
    asked = Asked()
    sign = np.random.default_rng(1).choice([-1.0, 1.0], 600)
    values = sign * (labels(asked) + np.random.default_rng(2).uniform(0, 0.5, 600))
    assert "bent alone nearly decides" in sung(replace(asked, extra={"bent": values})).warnings[0]


def test_a_running_number_tells_the_time() -> None:
    """A column that grows from customer to customer is named, but not as a leak of the label."""
    (warning,) = sung(Asked(extra={"account_number": np.arange(600.0)})).warnings
    assert warning.startswith("account_number tells early customers from late ones")


@pytest.mark.parametrize("seed", range(20))
def test_clean_rows_raise_no_warning(seed: int) -> None:
    """Honest columns, whatever the draw: the canaries are silent and say so."""
    found = sung(Asked(classes=2 + seed % 2, seed=seed, signal=(0.0, 1.0, 2.0)[seed % 3]))
    assert found.warnings == ()
    assert "A shuffled label scores at chance" in found.words
    assert "A planted answer was noticed" in found.words


def test_a_strong_model_of_many_features_is_no_leak() -> None:
    """A model that is very good by many features together is not suspect."""
    found = sung(Asked(signal=8.0))
    assert found.metrics["model_auc"] > 0.95
    assert found.warnings == ()


def test_a_customer_on_both_sides_is_found_out() -> None:
    """Folds that cut rows and not customers let a model know them again: shuffling shows it."""
    asked = Asked(customers=300)
    rng = np.random.default_rng(0)
    kept = np.repeat(rng.normal(size=(300, 2)), 3, axis=0)  # values that a customer keeps
    asked = replace(asked, extra={"height": kept[:, 0], "weight": kept[:, 1]})
    order = rng.permutation(900)
    mixed = replace(problem(asked), folds=((order[:450], order[450:]), (order[450:], order[:450])))
    # a customer's rows have one label, as they nearly have in life
    fine = replace(mixed.settings, bins=255)
    mixed = replace(mixed, labels=np.repeat(labels(asked)[::3], 3), settings=fine)
    able = replace(CANDIDATE, params={"num_leaves": 31, "min_data_in_leaf": 3}, rounds=(50,))
    found = canary_section("binary", mixed, able, who(asked), names(asked), 0)
    assert any("With shuffled labels" in warning for warning in found.warnings)
    honest = canary_section(
        "binary", replace(mixed, folds=problem(asked).folds), able, who(asked), names(asked), 0
    )
    assert honest.warnings == ()


def test_too_few_rows_are_said_to_be_too_few() -> None:
    """Twelve customers: nothing can be told, and nothing is claimed."""
    found = sung(Asked(customers=12))
    assert "cannot be told" in found.words
    assert not any("shuffled" in warning for warning in found.warnings)


def test_a_big_table_is_judged_on_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit fewer rows speak, and the error says so."""
    whole = sung(Asked())
    monkeypatch.setattr(canaries, "MOST_ROWS", 200)
    assert sung(Asked()).metrics["shuffled_auc_error"] > 1.3 * whole.metrics["shuffled_auc_error"]


def test_the_same_seed_is_the_same_song() -> None:
    """Words, numbers and tables repeat."""
    one, two = sung(Asked()), sung(Asked())
    assert (one.words, one.metrics, one.tables) == (two.words, two.metrics, two.tables)
