"""Where a search starts: known good points of each booster, by size of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lifecycle.space import Algorithm, Choice, Range, Search

Point = Mapping[str, float | int]

LARGE = 20_000

# Small trees, strongly regularised: what few rows carry.
SMALL: Sequence[tuple[Algorithm, Point]] = (
    ("lightgbm", {
        "learning_rate": 0.05, "num_leaves": 8, "min_data_in_leaf": 30, "feature_fraction": 0.5,
        "bagging_fraction": 0.8, "lambda_l1": 0.01, "lambda_l2": 5.0,
    }),
    ("xgboost", {
        "learning_rate": 0.06, "max_depth": 4, "min_child_weight": 8.0, "subsample": 0.8,
        "colsample_bytree": 0.6, "reg_alpha": 0.01, "reg_lambda": 4.0,
    }),
    ("lightgbm", {
        "learning_rate": 0.06, "num_leaves": 24, "min_data_in_leaf": 12, "feature_fraction": 0.7,
        "bagging_fraction": 0.9, "lambda_l1": 0.01, "lambda_l2": 1.0,
    }),
    ("xgboost", {
        "learning_rate": 0.08, "max_depth": 7, "min_child_weight": 1.5, "subsample": 0.9,
        "colsample_bytree": 0.7, "reg_alpha": 0.01, "reg_lambda": 1.0,
    }),
)  # fmt: skip
# Larger trees, for tables that carry them.
WIDE: Sequence[tuple[Algorithm, Point]] = (
    ("lightgbm", {
        "learning_rate": 0.08, "num_leaves": 31, "min_data_in_leaf": 20, "feature_fraction": 0.6,
        "bagging_fraction": 0.9, "lambda_l1": 0.01, "lambda_l2": 1.0,
    }),
    ("xgboost", {
        "learning_rate": 0.1, "max_depth": 7, "min_child_weight": 6.0, "subsample": 0.9,
        "colsample_bytree": 0.6, "reg_alpha": 0.01, "reg_lambda": 3.0,
    }),
    ("lightgbm", {
        "learning_rate": 0.08, "num_leaves": 80, "min_data_in_leaf": 50, "feature_fraction": 0.5,
        "bagging_fraction": 0.9, "lambda_l1": 0.01, "lambda_l2": 5.0,
    }),
    SMALL[0],
)  # fmt: skip


def warm_starts(search: Search, rows: int) -> list[dict[str, Any]]:
    """Known good points, kept inside the task's own ranges; the first balancing for all.

    Args:
        search: the task's space.
        rows: of the whole table, not of a sample.
    """
    return [
        {
            "algorithm": algorithm,
            "balancing": search.balancing[0],
            **{
                f"{algorithm}.{name}": value
                for name, value in known.items()
                if name in space and holds(space[name], value)
            },
        }
        for algorithm, known in (WIDE if rows > LARGE else SMALL)
        if (space := search.spaces.get(algorithm))
    ]


def holds(span: Range, value: float) -> bool:
    if isinstance(span, Choice):
        return value in span.options
    return span.low <= value <= span.high
