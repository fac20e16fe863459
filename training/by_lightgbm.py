"""LightGBM: binned once, fitted many times, with one thread."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

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


def in_time(settings: Settings) -> list[Callable[[Any], None]]:
    """A callback that stops growing when time is over; what has grown by then is the booster."""

    def look(round_: Any) -> None:
        if settings.late:
            raise lgb.callback.EarlyStopException(
                round_.iteration, round_.evaluation_result_list or []
            )

    return [] if settings.until is None else [look]


def leaves_of(booster: lgb.Booster, rounds: int = -1) -> int:
    """Leaves of a LightGBM booster, by the file that it would write."""
    text = booster.model_to_string(num_iteration=rounds, importance_type="gain")
    return sum(map(int, re.findall(r"^num_leaves=(\d+)$", text, re.MULTILINE)))


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
            callbacks=[*([stop] if watching else []), *in_time(settings)],
        )
        rounds = (booster.best_iteration or booster.current_iteration()) if watching else 0
        return LightGBMFitted(booster=booster, rounds=rounds or booster.current_iteration())
