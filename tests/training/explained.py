"""Scorers over small forests whose truth is known, for the tests of explanation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.boosters import Fitted, Rows, Settings, prepare
from training.model import Encoder, ForestModel, Scorer

FEATURES = (
    ("quiet_days", "number"), ("logins", "number"), ("noise", "number"), ("plan", "category"),
)  # fmt: skip
PLANS = ("free", "pro", "team")
ENCODER = Encoder(FEATURES, {"plan": PLANS})
MEANINGS = {
    "quiet_days": {"words": "Time since the last login", "unit": "days", "absent": "never"},
    "logins": {"words": "Logins", "unit": "times", "absent": "not known"},
    "plan": {"words": "Plan", "unit": "", "absent": "not known"},
}
Matrix = npt.NDArray[np.float64]


def table(rows: int = 500, classes: int = 2, seed: int = 0) -> tuple[Matrix, npt.NDArray[np.int64]]:
    """`quiet_days` matters most, then `logins` downwards, then the free plan; `noise` does not."""
    rng = np.random.default_rng(seed)
    x = np.column_stack(
        [
            rng.exponential(8, rows),
            rng.poisson(3, rows),
            rng.normal(size=rows),
            rng.integers(0, len(PLANS), rows),
        ]
    ).astype(np.float64)
    push = 0.4 * (x[:, 0] - 8) - 0.6 * (x[:, 1] - 3) + 1.0 * (x[:, 3] == 0)
    push += rng.logistic(size=rows)
    cuts = np.quantile(push, np.linspace(0, 1, classes + 1)[1:-1])
    x[rng.random(x.shape) < 0.05] = np.nan
    return x, np.digitize(push, cuts)


def booster(
    algorithm: Any = "lightgbm", classes: int = 2, rounds: int = 15, seed: int = 0
) -> Fitted:
    x, y = table(classes=classes, seed=seed)
    settings = Settings(classes=classes, bins=63, seed=seed, rounds=rounds)
    params = {"learning_rate": 0.2, "min_child_samples": 5} if algorithm == "lightgbm" else {}
    return prepare(algorithm, ENCODER, Rows(matrix=x, labels=y), None, settings).fit(
        params, settings
    )


def scorer(
    folder: Path, calibrator: Mapping[str, Any] | None = None, classes: int = 2, rounds: int = 15
) -> Scorer:
    """A LightGBM forest, calibrated as asked (by default not at all)."""
    path = folder / "forest.txt"
    booster(classes=classes, rounds=rounds).booster.save_model(path)
    facts = {
        "task": "made_up",
        "kind": "binary" if classes == 2 else "multiclass",
        "classes": ["no", "yes"] if classes == 2 else [f"class{i}" for i in range(classes)],
        "threshold": 0.5,
        "calibrator": dict(calibrator or {"method": "none"}),
        "features": FEATURES,
        "categories": {"plan": PLANS},
        "meanings": MEANINGS,
        "outcome": "risk",
    }
    return Scorer(facts, ForestModel(path))
