"""Where a search starts: a known good point of each booster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lifecycle.space import Algorithm, Choice, Range, Search

# Known good points, tried first where the task's space holds them.
WARM: Mapping[Algorithm, Mapping[str, float | int]] = {
    "lightgbm": {
        "learning_rate": 0.06, "num_leaves": 16, "min_data_in_leaf": 40,
        "feature_fraction": 0.7, "bagging_fraction": 0.8, "lambda_l1": 0.01, "lambda_l2": 3.0,
    },
    "xgboost": {
        "learning_rate": 0.08, "max_depth": 4, "min_child_weight": 8.0, "subsample": 0.8,
        "colsample_bytree": 0.7, "reg_alpha": 0.01, "reg_lambda": 3.0,
    },
}  # fmt: skip


def warm_starts(search: Search) -> list[dict[str, Any]]:
    """One known good point for each booster, kept inside the task's own ranges."""
    points = []
    for algorithm, known in WARM.items():
        space = search.spaces.get(algorithm, {})
        fixed = {
            f"{algorithm}.{name}": value
            for name, value in known.items()
            if name in space and holds(space[name], value)
        }
        if space:
            points.append({"algorithm": algorithm, "balancing": search.balancing[0], **fixed})
    return points


def holds(span: Range, value: float) -> bool:
    if isinstance(span, Choice):
        return value in span.options
    return span.low <= value <= span.high
