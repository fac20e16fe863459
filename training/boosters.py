"""XGBoost and LightGBM behind one shape: prepare rows once, fit many times, one thread.

One thread, because two booster threads on two busy cores are slower than one, and because a
sum over threads would depend on how many there were. Early stopping looks at log-loss whatever
the task optimises: it is smooth, and the winner's probabilities are what is served.
"""

from __future__ import annotations

from pathlib import Path

import lightgbm as lgb
import numpy as np
import xgboost as xgb

from lifecycle.space import Algorithm
from training.booster import (
    BOOSTERS,
    MOST_ROUNDS,
    TWO_CLASSES,
    Fitted,
    Prepared,
    Rows,
    Settings,
    Weights,
)
from training.by_lightgbm import LightGBMFitted, LightGBMPrepared
from training.by_xgboost import XGBoostFitted, XGBoostPrepared
from training.model import Encoder

__all__ = ["BOOSTERS", "Fitted", "Prepared", "Rows", "Settings", "Weights"]

FEW_ROWS = 5_000
BINS_FEW, BINS_MANY = 255, 63
PATIENCE = (15, 60)


def most_rounds(classes: int, base: int = MOST_ROUNDS) -> int:
    """A round grows one tree a class beyond two classes: so many rounds cost the same."""
    return max(base // 3, base * TWO_CLASSES // classes)


def bins_for(rows: int) -> int:
    """Fewer bins on big tables: faster, and no worse where it was measured."""
    return BINS_FEW if rows <= FEW_ROWS else BINS_MANY


def patience_for(learning_rate: float) -> int:
    """A slow learner needs longer to show that it has stopped learning."""
    return int(np.clip(2 / learning_rate, *PATIENCE))


def prepare(
    algorithm: Algorithm, encoder: Encoder, rows: Rows, watched: Rows | None, settings: Settings
) -> Prepared:
    """Bin the rows for one library; `watched` decides when to stop."""
    kind = XGBoostPrepared if algorithm == "xgboost" else LightGBMPrepared
    return kind(encoder, rows, watched, settings)


def load_fitted(algorithm: Algorithm, folder: Path, rounds: int, encoder: Encoder) -> Fitted | None:
    """A booster as `save` wrote it; None where there is none that has so many rounds."""
    path = folder / BOOSTERS[algorithm]
    if not path.exists():
        return None
    try:
        if algorithm == "lightgbm":
            grown = lgb.Booster(model_file=str(path))
            enough = grown.current_iteration() >= rounds
            return LightGBMFitted(booster=grown, rounds=rounds) if enough else None
        booster = xgb.Booster({"nthread": 1})
        booster.load_model(path)
    except (xgb.core.XGBoostError, lgb.basic.LightGBMError):
        return None
    if booster.num_boosted_rounds() < rounds:
        return None
    booster.set_param({"nthread": 1})
    return XGBoostFitted(booster=booster, rounds=rounds, features=len(encoder.features))
