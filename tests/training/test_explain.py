"""The section on what a model looks at: the truth is found, and the folds are held against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib import pyplot as plt
from scipy.stats import spearmanr

from tests.training.explained import ENCODER, FEATURES, booster, scorer, table
from training.boosters import Fitted, Rows, Settings, prepare
from training.explain import (
    Explained,
    agreements,
    explained,
    explanation_section,
    sample,
    shares_of,
)
from training.report.drawing import written
from training.report.explained import medians, quantiles, stacked

BOTH = ("lightgbm", "xgboost")


@pytest.fixture(scope="module")
def folds() -> tuple[Fitted, ...]:
    """Boosters of both libraries on three other draws of the same truth."""
    made = (("lightgbm", 1), ("xgboost", 2), ("lightgbm", 3))
    return tuple(booster(algorithm, seed=seed) for algorithm, seed in made)


@pytest.mark.parametrize("algorithm", BOTH)
@pytest.mark.parametrize("classes", [2, 3])
def test_contributions_of_a_booster_add_up_to_its_margins(algorithm: str, classes: int) -> None:
    """Either library, two classes and more, only the rounds that are used."""
    fitted = replace(booster(algorithm, classes=classes, rounds=8), rounds=5)
    x = table(60, seed=9)[0]
    logs = np.log(fitted.predict(x))
    sums = fitted.contributions(x).sum(axis=2)
    if classes == 2:
        np.testing.assert_allclose(sums[:, 0], logs[:, 1] - logs[:, 0], atol=1e-5)
    else:
        np.testing.assert_allclose(centre(sums), centre(logs), atol=1e-5)


@pytest.mark.parametrize("algorithm", BOTH)
def test_leaves_are_those_of_the_rounds_that_are_used(algorithm: str) -> None:
    """More rounds are more leaves, and a round has at least two."""
    fitted = booster(algorithm, rounds=8)
    few, all_ = replace(fitted, rounds=3).leaves(), fitted.leaves()
    assert 6 <= few < all_


def centre(values: np.ndarray) -> np.ndarray:
    return values - values.mean(axis=1, keepdims=True)


def test_the_truth_is_found(tmp_path: Path, folds: Sequence[Fitted]) -> None:
    """Features come in the order of their true effect, with its direction, stable over folds."""
    section = explanation_section(scorer(tmp_path), table(400, seed=8)[0], folds)
    rows = section.tables["importance"].rows
    assert [row[0] for row in rows] == ["quiet_days", "logins", "plan", "noise"]
    assert [row[-1] for row in rows[:3]] == ["more raises", "more lowers", "highest with free"]
    assert rows[0][1] == "Time since the last login"
    assert sum(float(row[2] or 0) for row in rows) == pytest.approx(1)
    for _, _, share, low, high, _, _ in rows:
        assert float(low or 0) <= float(high or 0)
        assert abs(float(share or 0) - float(low or 0)) < 0.2
    assert section.metrics["rank_correlation"] > 0.7
    assert "agree" in section.words
    assert "quiet_days" in section.words
    assert section.warnings == ()


@pytest.mark.parametrize("classes", [2, 4])
def test_every_picture_can_be_drawn(tmp_path: Path, classes: int) -> None:
    """Two classes and more; no figure is left open, and none weighs down the page."""
    others = [booster(classes=classes, rounds=3, seed=1)]
    section = explanation_section(
        scorer(tmp_path, classes=classes, rounds=4), table(80, classes=classes)[0], others
    )
    assert [name for name, _ in section.figures] == ["importance", "summary", "effects"]
    for _, figure in section.figures:
        png = written(figure)
        assert png.startswith(b"\x89PNG")
        assert len(png) < 150_000
    assert plt.get_fignums() == []


def test_the_same_seed_gives_the_same_section(tmp_path: Path) -> None:
    """No clock decides how many rows are looked at, and nothing is drawn without the seed."""
    model, x = scorer(tmp_path, rounds=2), table(2_500, seed=4)[0]
    one, two = (explanation_section(model, x, (), seed=3) for _ in range(2))
    assert one.details["rows"] == 2_000
    assert one.tables == two.tables
    assert one.metrics == two.metrics


def test_without_folds_no_spread_is_claimed(tmp_path: Path) -> None:
    """Nothing is said of stability where there is nothing to compare with."""
    section = explanation_section(scorer(tmp_path), table(50)[0], ())
    assert set(section.metrics) == {"foremost_share"}
    assert "fold" not in section.words
    assert not {"least fold", "most fold"} & set(section.tables["importance"].columns)


def test_folds_that_disagree_are_said_to(tmp_path: Path) -> None:
    """Boosters that learnt from different features rank them differently, and the words say so."""
    x, _ = table(300)
    order = [np.array([0.7, 0.2, 0.1, 0.0]), np.array([0.0, 0.1, 0.2, 0.7])]
    found = explained(scorer(tmp_path), x, (), 0)
    agreement = agreements(replace(found, folds=np.array(order)))
    assert agreement["rank_correlation"] == pytest.approx(-1)
    first, second = (x[:, 0] > 8) | (x[:, 1] > 4), (x[:, 2] > 0) | (x[:, 3] == 0)
    apart = [on(only(x, 0, 1), first.astype(int), 0), on(only(x, 2, 3), second.astype(int), 1)]
    section = explanation_section(scorer(tmp_path), x, apart)
    assert section.metrics["rank_correlation"] < 0
    assert "The boosters of 2 folds do not agree on the order of the features" in section.words


def only(x: np.ndarray, *columns: int) -> np.ndarray:
    """The table with all other columns empty."""
    return np.where(np.isin(np.arange(x.shape[1]), columns), x, np.nan)


def on(x: np.ndarray, y: np.ndarray, seed: int) -> Fitted:
    given_settings = Settings(classes=2, bins=63, seed=seed, rounds=3)
    rows = Rows(matrix=x, labels=y)
    return prepare("lightgbm", ENCODER, rows, None, given_settings).fit({}, given_settings)


def test_an_empty_table_is_said_and_no_crash(tmp_path: Path) -> None:
    """A training without a test part has nothing to explain."""
    section = explanation_section(scorer(tmp_path), np.empty((0, len(FEATURES))), ())
    assert section.words == "There are no rows to explain."
    assert section.figures == ()


def test_a_model_that_looks_at_nothing_is_warned_of(tmp_path: Path) -> None:
    """Rounds that could not split say the same of everybody."""
    model = scorer(tmp_path)
    x = np.full((40, len(FEATURES)), np.nan)
    flat = on(x, np.arange(40) % 2, 0)
    flat.booster.save_model(tmp_path / "flat.txt")
    section = explanation_section(
        type(model)(model.facts, type(model.engine)(tmp_path / "flat.txt")), x, ()
    )
    assert section.warnings == (
        "No feature moves any answer: the model says the same of everybody.",
    )


@given(shares=hnp.arrays(float, st.tuples(st.just(3), st.integers(3, 9)),
                         elements=st.floats(0.01, 1)))  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_rank_correlation_is_scipys(shares: np.ndarray) -> None:
    """Ties included; a constant ranking agrees with nothing."""
    found = agreements(
        Explained(scorer=None, matrix=None, parts=None, shares=None, folds=shares)  # type: ignore[arg-type]
    )
    pairs = [
        0.0
        if np.ptp(shares[a]) == 0 or np.ptp(shares[b]) == 0
        else spearmanr(shares[a], shares[b]).statistic
        for a, b in ((0, 1), (0, 2), (1, 2))
    ]
    assert found["rank_correlation"] == pytest.approx(np.mean(pairs))


@given(values=hnp.arrays(float, st.integers(1, 80), elements=st.floats(-1e6, 1e6)))
@settings(max_examples=50, deadline=None)
def test_drawn_places_are_inside_their_bounds(values: np.ndarray) -> None:
    """Heights stay in the feature's row, quantiles in 0 to 1 and in order, medians in range."""
    assert np.abs(stacked(values)).max() <= 0.4
    placed = quantiles(values)
    assert ((placed >= 0) & (placed <= 1)).all()
    assert (np.diff(placed[np.argsort(values)]) >= 0).all()
    x, y = medians(values, values)
    assert (np.diff(x) >= 0).all()
    np.testing.assert_array_equal(x, y)


def test_shares_and_samples_are_whole() -> None:
    """Shares of nothing are nothing; a sample has each row once, and its head is a sample too."""
    assert shares_of(np.zeros((3, 1, 2))).tolist() == [0, 0]
    assert shares_of(np.array([[[1.0, -3.0]]])).tolist() == [0.25, 0.75]
    drawn = sample(100, 30, 1)
    assert len(set(drawn.tolist())) == 30
    np.testing.assert_array_equal(sample(100, 10, 1), drawn[:10])
