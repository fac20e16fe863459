"""XGBoost and LightGBM behind one shape: prepare rows once, fit many times, one thread.

One thread, because two booster threads on two busy cores are slower than one, and because a
sum over threads would depend on how many there were. Early stopping looks at log-loss whatever
the task optimises: it is smooth, and the winner's probabilities are what is served.
"""

from __future__ import annotations

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
from training.model import BOOSTERS, Encoder, Matrix, two_sided

MOST_ROUNDS = 150
FEW_ROWS = 5_000
BINS_FEW, BINS_MANY = 255, 63
TWO_CLASSES = 2

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
    def rounds(self) -> int: ...

    def predict(self, matrix: Matrix) -> Matrix:
        """Raw class probabilities of shape (rows, classes)."""
        ...

    def save(self, folder: Path) -> None:
        """Write the library's own file, under the name that the served model reads."""
        ...

    def importance(self) -> Weights:
        """Total gain of each feature, shape (features,)."""
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
    return int(np.clip(1 / learning_rate, 8, 30))


def prepare(
    algorithm: Algorithm, encoder: Encoder, rows: Rows, watched: Rows | None, settings: Settings
) -> Prepared:
    """Bin the rows for one library; `watched` decides when to stop."""
    kind = XGBoostPrepared if algorithm == "xgboost" else LightGBMPrepared
    return kind(encoder, rows, watched, settings)


@dataclass(frozen=True, kw_only=True)
class XGBoostFitted:
    booster: xgb.Booster
    rounds: int
    features: int

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

    def predict(self, matrix: Matrix) -> Matrix:
        raw = self.booster.predict(matrix, num_iteration=self.rounds, num_threads=1)
        return two_sided(np.asarray(raw, dtype=np.float64))

    def save(self, folder: Path) -> None:
        self.booster.save_model(folder / BOOSTERS["lightgbm"], num_iteration=self.rounds)

    def importance(self) -> Weights:
        return np.asarray(self.booster.feature_importance("gain"), dtype=np.float64)


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
            "deterministic": True, "force_row_wise": True, "verbosity": -1,
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
