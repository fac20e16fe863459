"""XGBoost and LightGBM behind one shape: prepare rows once, fit many times, one thread.

One thread, because two booster threads on two busy cores are slower than one, and because a
sum over threads would depend on how many there were. Early stopping looks at log-loss whatever
the task optimises: it is smooth, and the winner's probabilities are what is served.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import xgboost as xgb

from lifecycle.metrics import Labels
from lifecycle.space import Algorithm
from training.model import Encoder, Matrix

MOST_ROUNDS = 1_000
FEW_ROWS = 20_000
BINS_FEW, BINS_MANY = 255, 63
PATIENCE = (15, 60)
TWO_CLASSES = 2
BOOSTERS: Mapping[Algorithm, str] = {"xgboost": "booster.ubj", "lightgbm": "booster.txt"}

Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Encoded rows to fit on or to watch."""

    matrix: Matrix
    labels: Labels
    weights: Weights | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one booster is fitted, apart from what the search chooses.

    Attributes:
        classes: number of classes.
        bins: histogram bins a feature.
        patience: rounds without improvement on the watched rows before stopping.
    """

    classes: int
    bins: int
    seed: int
    rounds: int = MOST_ROUNDS
    patience: int = 30


class Fitted(Protocol):
    """A fitted booster."""

    @property
    def algorithm(self) -> Algorithm: ...

    @property
    def booster(self) -> Any: ...

    @property
    def rounds(self) -> int: ...

    def predict(self, matrix: Matrix) -> Matrix:
        """Raw class probabilities of shape (rows, classes)."""
        ...

    def save(self, folder: Path) -> None:
        """Write the library's own file into a folder."""
        ...

    def importance(self) -> Weights:
        """Total gain of each feature, shape (features,)."""
        ...

    def contributions(self, matrix: Matrix) -> Matrix:
        """TreeSHAP: what each feature adds to each margin, the base last.

        Returns:
            Shape (rows, margins, features + 1): one margin (log-odds) for two classes, else one
            a class.
        """
        ...

    def leaves(self) -> int:
        """Of all trees: what contributions cost a row grows with them."""
        ...


class Prepared(Protocol):
    """Binned rows of one fold, reused by every trial that fits on them."""

    def fit(self, params: Mapping[str, Any], settings: Settings) -> Fitted: ...


def most_rounds(classes: int, base: int = MOST_ROUNDS) -> int:
    """A round grows one tree a class beyond two classes: so many rounds cost the same."""
    return max(base // 3, base * TWO_CLASSES // classes)


def bins_for(rows: int) -> int:
    """Fewer bins on big tables: faster, and no worse where it was measured."""
    return BINS_FEW if rows <= FEW_ROWS else BINS_MANY


def patience_for(learning_rate: float) -> int:
    """A slow learner needs longer to show that it has stopped learning."""
    return int(np.clip(2 / learning_rate, *PATIENCE))


def by_margin(found: Any, matrix: Matrix) -> Matrix:
    """Contributions as shape (rows, margins, features + 1); libraries leave out a lone margin."""
    flat = np.asarray(found, dtype=np.float64)
    return flat.reshape(len(matrix), -1, matrix.shape[1] + 1)


def leaves_of(booster: lgb.Booster, rounds: int = -1) -> int:
    """Leaves of a LightGBM booster, by the file that it would write."""
    text = booster.model_to_string(num_iteration=rounds, importance_type="gain")
    return sum(map(int, re.findall(r"^num_leaves=(\d+)$", text, re.MULTILINE)))


def prepare(
    algorithm: Algorithm, encoder: Encoder, rows: Rows, watched: Rows | None, settings: Settings
) -> Prepared:
    """Bin the rows for one library; `watched` decides when to stop."""
    kind = XGBoostPrepared if algorithm == "xgboost" else LightGBMPrepared
    return kind(encoder, rows, watched, settings)


def load_fitted(algorithm: Algorithm, folder: Path, rounds: int, encoder: Encoder) -> Fitted | None:
    """A booster as `save` wrote it; None where there is none that can be read."""
    path = folder / BOOSTERS[algorithm]
    if not path.exists():
        return None
    try:
        if algorithm == "lightgbm":
            return LightGBMFitted(booster=lgb.Booster(model_file=str(path)), rounds=rounds)
        booster = xgb.Booster({"nthread": 1})
        booster.load_model(path)
    except (xgb.core.XGBoostError, lgb.basic.LightGBMError):
        return None
    booster.set_param({"nthread": 1})
    return XGBoostFitted(booster=booster, rounds=rounds, features=len(encoder.features))


def two_sided(raw: Matrix) -> Matrix:
    """Boosters give one probability for two classes; give both."""
    return np.column_stack([1 - raw, raw]) if raw.ndim == 1 else raw


@dataclass(frozen=True, kw_only=True)
class XGBoostFitted:
    booster: xgb.Booster
    rounds: int
    features: int
    algorithm: Algorithm = "xgboost"

    def predict(self, matrix: Matrix) -> Matrix:
        raw = self.booster.inplace_predict(matrix, iteration_range=(0, self.rounds))
        return two_sided(np.asarray(raw, dtype=np.float64))

    def save(self, folder: Path) -> None:
        self.booster.save_model(folder / BOOSTERS["xgboost"])

    def importance(self) -> Weights:
        gains = np.zeros(self.features)
        for name, gain in self.booster.get_score(importance_type="total_gain").items():
            gains[int(name[1:])] = gain  # without names, XGBoost calls them f0, f1, …
        return gains

    def contributions(self, matrix: Matrix) -> Matrix:
        data = xgb.DMatrix(
            matrix, feature_types=self.booster.feature_types, enable_categorical=True, nthread=1
        )
        used = (0, self.rounds)
        found = self.booster.predict(data, pred_contribs=True, iteration_range=used)
        return by_margin(found, matrix)

    def leaves(self) -> int:
        return sum(tree.count("leaf=") for tree in self.booster[: self.rounds].get_dump())


class XGBoostPrepared:
    def __init__(
        self, encoder: Encoder, rows: Rows, watched: Rows | None, settings: Settings
    ) -> None:
        self.features = len(encoder.features)
        categories = set(encoder.category_columns)
        types = ["c" if i in categories else "q" for i in range(self.features)]
        self.data = xgb.QuantileDMatrix(
            rows.matrix, label=rows.labels, weight=rows.weights, feature_types=types,
            enable_categorical=True, max_bin=settings.bins, nthread=1,
        )  # fmt: skip
        # a plain matrix: watching a quantised one costs four times as much a round
        self.watched = None if watched is None else xgb.DMatrix(
            watched.matrix, label=watched.labels, weight=watched.weights, feature_types=types,
            enable_categorical=True, nthread=1,
        )  # fmt: skip

    def fit(self, params: Mapping[str, Any], settings: Settings) -> Fitted:
        binary = settings.classes == TWO_CLASSES
        fixed = {
            "objective": "binary:logistic" if binary else "multi:softprob",
            "eval_metric": "logloss" if binary else "mlogloss",
            "tree_method": "hist", "max_bin": settings.bins, "nthread": 1,
            "seed": settings.seed, "verbosity": 0,
        }  # fmt: skip
        if not binary:
            fixed["num_class"] = settings.classes
        watching = self.watched is not None
        booster = xgb.train(
            {**params, **fixed},
            self.data,
            num_boost_round=settings.rounds,
            evals=[(self.watched, "watched")] if watching else [],
            early_stopping_rounds=settings.patience if watching else None,
            verbose_eval=False,
        )
        rounds = booster.best_iteration + 1 if watching else settings.rounds
        return XGBoostFitted(booster=booster, rounds=rounds, features=self.features)


@dataclass(frozen=True, kw_only=True)
class LightGBMFitted:
    booster: lgb.Booster
    rounds: int
    algorithm: Algorithm = "lightgbm"

    def predict(self, matrix: Matrix) -> Matrix:
        raw = self.booster.predict(matrix, num_iteration=self.rounds, num_threads=1)
        return two_sided(np.asarray(raw, dtype=np.float64))

    def save(self, folder: Path) -> None:
        self.booster.save_model(folder / BOOSTERS["lightgbm"], num_iteration=self.rounds)

    def importance(self) -> Weights:
        return np.asarray(self.booster.feature_importance("gain"), dtype=np.float64)

    def contributions(self, matrix: Matrix) -> Matrix:
        found = self.booster.predict(
            matrix, pred_contrib=True, num_iteration=self.rounds, num_threads=1
        )
        return by_margin(found, matrix)

    def leaves(self) -> int:
        return leaves_of(self.booster, self.rounds)


class LightGBMPrepared:
    def __init__(
        self, encoder: Encoder, rows: Rows, watched: Rows | None, settings: Settings
    ) -> None:
        binning = {
            "max_bin": settings.bins, "feature_pre_filter": False, "verbosity": -1,
            "num_threads": 1, "data_random_seed": settings.seed,
        }  # fmt: skip
        self.data = lgb.Dataset(
            rows.matrix, label=rows.labels, weight=rows.weights, params=binning,
            categorical_feature=list(encoder.category_columns), free_raw_data=False,
        ).construct()  # fmt: skip
        self.watched = (
            None
            if watched is None
            else self.data.create_valid(
                watched.matrix, label=watched.labels, weight=watched.weights, params=binning
            ).construct()
        )

    def fit(self, params: Mapping[str, Any], settings: Settings) -> Fitted:
        binary = settings.classes == TWO_CLASSES
        fixed = {
            "objective": "binary" if binary else "multiclass",
            "metric": "binary_logloss" if binary else "multi_logloss",
            "num_class": 1 if binary else settings.classes,
            "max_bin": settings.bins, "num_threads": 1, "seed": settings.seed,
            "deterministic": True, "force_col_wise": True, "verbosity": -1,
        }  # fmt: skip
        watching = self.watched is not None
        stop = lgb.early_stopping(settings.patience, verbose=False)
        booster = lgb.train(
            {**params, **fixed},
            self.data,
            num_boost_round=settings.rounds,
            valid_sets=[self.watched] if watching else [],
            callbacks=[stop] if watching else [],
        )
        rounds = (booster.best_iteration or booster.current_iteration()) if watching else 0
        return LightGBMFitted(booster=booster, rounds=rounds or booster.current_iteration())
