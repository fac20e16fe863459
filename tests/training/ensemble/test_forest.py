"""One forest scores what its boosters score, contributions included."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pytest
import xgboost as xgb
from hypothesis import given, settings
from hypothesis import strategies as st

from training.ensemble.forest import Forest, blend, of_lightgbm
from training.ensemble.from_xgboost import largest_below, of_xgboost

Matrix = npt.NDArray[np.float64]
LEVELS = {2: 40, 3: 3}


def table(seed: int, rows: int = 400) -> Matrix:
    """Numbers with ties, gaps and far values, and two category columns with gaps."""
    rng = np.random.default_rng(seed)
    x = np.column_stack(
        [
            rng.normal(size=rows),
            np.round(rng.normal(size=rows), 1) * 10.0 ** rng.integers(-6, 6),
            rng.integers(0, LEVELS[2], rows).astype(float),
            rng.integers(0, LEVELS[3], rows).astype(float),
        ]
    )
    x[rng.random(x.shape) < 0.1] = np.nan
    return x


def labels(x: Matrix, classes: int, seed: int) -> npt.NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    push = np.nan_to_num(x[:, 0]) + (x[:, 2] % 3 == 0) - np.isnan(x[:, 3])
    return np.digitize(push + rng.normal(size=len(x)), np.linspace(-1, 1, classes - 1))


def of_xgb(x: Matrix, y: Any, classes: int, rounds: int, **params: Any) -> xgb.Booster:
    kind = {"objective": "binary:logistic"}
    if classes > 2:
        kind = {"objective": "multi:softprob", "num_class": classes}  # type: ignore[dict-item]
    data = xgb.QuantileDMatrix(
        x, label=y, feature_types=["q", "q", "c", "c"], enable_categorical=True, nthread=1
    )
    return xgb.train({"nthread": 1, "max_depth": 4, **kind, **params}, data, rounds)


def of_lgb(x: Matrix, y: Any, classes: int, rounds: int) -> lgb.Booster:
    params: dict[str, Any] = {"objective": "binary"}
    if classes > 2:
        params = {"objective": "multiclass", "num_class": classes}
    params |= {"num_threads": 1, "verbosity": -1, "num_leaves": 12, "min_data_in_leaf": 5}
    return lgb.train(params, lgb.Dataset(x, y, categorical_feature=[2, 3]), rounds)


def margins(forest: Forest, x: Matrix) -> Matrix:
    booster = lgb.Booster(model_str=forest.text())
    return np.asarray(booster.predict(x, raw_score=True, num_threads=1))


def xgb_margins(booster: xgb.Booster, x: Matrix, rounds: int) -> Matrix:
    return booster.inplace_predict(x, predict_type="margin", iteration_range=(0, rounds))


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    classes=st.sampled_from([2, 3]),
    depth=st.integers(1, 6),
    onehot=st.sampled_from([1, 64]),
)
def test_xgboost_trees_score_the_same(seed: int, classes: int, depth: int, onehot: int) -> None:
    """Random boosters, rows they never saw, values at the splits and missing everywhere."""
    x = table(seed)
    booster = of_xgb(
        x, labels(x, classes, seed), classes, 6, max_depth=depth, max_cat_to_onehot=onehot
    )
    forest = of_xgboost(booster, 4, LEVELS)
    asked = np.vstack([x, table(seed + 1, 200), np.full((1, 4), np.nan)])
    np.testing.assert_allclose(
        margins(forest, asked), xgb_margins(booster, asked, 4), rtol=1e-5, atol=2e-6
    )


@settings(max_examples=200, deadline=None)
@given(split=st.floats(-(2.0**99), 2.0**99, width=32, allow_subnormal=False))
def test_a_threshold_is_the_last_double_below_the_split(split: float) -> None:
    """At the threshold float32 is below the split; one double further it is not."""
    threshold = largest_below(split)
    with np.errstate(over="ignore"):
        assert np.float32(threshold) < np.float32(split)
        assert np.float32(np.nextafter(threshold, np.inf)) >= np.float32(split)


def test_values_beside_a_split_go_the_same_way() -> None:
    """Every split value, its neighbours in float32 and in double, in a whole forest."""
    x = table(3)
    booster = of_xgb(x, labels(x, 2, 3), 2, 5)
    dumped = booster.trees_to_dataframe()
    splits = dumped.loc[dumped["Feature"].isin(["f0", "f1"]), "Split"].dropna().to_numpy()
    near = np.concatenate(
        [f(splits.astype(t), t(side)) for t in (np.float32, np.float64)
         for f, side in ((np.nextafter, -np.inf), (np.nextafter, np.inf))] + [splits]
    ).astype(float)  # fmt: skip
    asked = np.column_stack([near, near, np.zeros(len(near)), np.zeros(len(near))])
    np.testing.assert_allclose(
        margins(of_xgboost(booster, 5, LEVELS), asked), xgb_margins(booster, asked, 5), atol=2e-6
    )


@pytest.mark.parametrize("classes", [2, 3])
def test_a_blend_is_the_weighted_sum(classes: int) -> None:
    """Boosters of both libraries, with weights, in one file: margins and contributions add up."""
    x = table(7)
    y = labels(x, classes, 7)
    one, two = of_lgb(x, y, classes, 7), of_xgb(x, y, classes, 5)
    forest = blend([(of_lightgbm(one, 6), 0.25), (of_xgboost(two, 5, LEVELS), 0.75)])
    wanted = 0.25 * one.predict(x, raw_score=True, num_iteration=6) + 0.75 * xgb_margins(two, x, 5)
    np.testing.assert_allclose(margins(forest, x), wanted, rtol=1e-5, atol=1e-6)
    whole = lgb.Booster(model_str=forest.text())
    parts = whole.predict(x[:50], pred_contrib=True, num_threads=1).reshape(50, -1, 5)
    np.testing.assert_allclose(
        parts.sum(axis=2).squeeze(), margins(forest, x[:50]), rtol=1e-4, atol=1e-5
    )


def test_contributions_are_those_of_xgboost() -> None:
    """TreeSHAP of the rewritten trees is XGBoost's own, covers being its hessians."""
    x = table(11)
    booster = of_xgb(x, labels(x, 2, 11), 2, 5)
    data = xgb.DMatrix(x, feature_types=["q", "q", "c", "c"], enable_categorical=True, nthread=1)
    whole = lgb.Booster(model_str=of_xgboost(booster, 5, LEVELS).text())
    np.testing.assert_allclose(
        whole.predict(x, pred_contrib=True, num_threads=1),
        booster.predict(data, pred_contribs=True), atol=1e-4,
    )  # fmt: skip


def test_forests_of_different_shapes_are_refused() -> None:
    """Two classes and three do not add up."""
    x = table(1)
    two, three = (of_lightgbm(of_lgb(x, labels(x, k, 1), k, 2), 2) for k in (2, 3))
    with pytest.raises(ValueError, match="different shapes"):
        blend([(two, 0.5), (three, 0.5)])
