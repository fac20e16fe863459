"""XGBoost: binned once, fitted many times, with one thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb

from lifecycle.space import Algorithm
from training.booster import (
    BOOSTERS,
    TWO_CLASSES,
    Fitted,
    Rows,
    Settings,
    Weights,
    by_margin,
    two_sided,
)
from training.model import Encoder, Matrix


class InTime(xgb.callback.TrainingCallback):  # type: ignore[misc]  # XGBoost ships no types
    """Stops growing when time is over; what has grown by then is the booster."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002  # its interface
        return self.settings.late


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
        grown = self.booster[: self.rounds]  # as it answers, without what early stopping waited for
        for name, gain in grown.get_score(importance_type="total_gain").items():
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
            callbacks=[] if settings.until is None else [InTime(settings)],
        )
        rounds = booster.best_iteration + 1 if watching else booster.num_boosted_rounds()
        return XGBoostFitted(booster=booster, rounds=rounds, features=self.features)
