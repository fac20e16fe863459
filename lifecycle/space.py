"""Where a search may look: named ranges, as data. Training hands them to Optuna."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MOST_WORKERS = 8  # a trial waits for one eight before it: more would only wait

Algorithm = Literal["xgboost", "lightgbm"]
Balancing = Literal["none", "class_weight", "smote", "smotenc", "borderline", "under"]


@dataclass(frozen=True)
class Int:
    low: int
    high: int
    log: bool = False


@dataclass(frozen=True)
class Float:
    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Choice:
    options: tuple[str | float | int | None, ...]


Range = Int | Float | Choice


@dataclass(frozen=True, kw_only=True)
class Search:
    """What the study chooses from, and for how long by default.

    Attributes:
        spaces: algorithm → parameter in the library's own name → range.
        balancing: the choices the study may take; SMOTENC only where there are categories.
        smote: ranges of `k_neighbors` and of `ratio`, minority to majority after resampling.
        trials: so many are drawn when nobody gives a budget.
        seconds: the budget of a whole training when nobody gives one; None: no limit.
        folds: forward-in-time folds inside the training rows.
    """

    spaces: Mapping[Algorithm, Mapping[str, Range]]
    balancing: tuple[Balancing, ...] = ("none", "class_weight", "smote", "smotenc")
    smote: Mapping[str, Range] = field(
        default_factory=lambda: {"k_neighbors": Int(3, 15), "ratio": Float(0.3, 1.0)}
    )
    trials: int = 40
    seconds: float | None = None
    folds: int = 3
