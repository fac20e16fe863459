"""What a booster is to everybody who fits or asks one, whichever library it is of."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lifecycle.metrics import Labels
from lifecycle.space import Algorithm
from training.model import Matrix

MOST_ROUNDS = 300
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
        until: when to stop growing, in seconds since the epoch; None: no limit.
    """

    classes: int
    bins: int
    seed: int
    rounds: int = MOST_ROUNDS
    patience: int = 30
    until: float | None = None

    @property
    def late(self) -> bool:
        return self.until is not None and time.time() >= self.until


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


def by_margin(found: Any, matrix: Matrix) -> Matrix:
    """Contributions as shape (rows, margins, features + 1); libraries leave out a lone margin."""
    flat = np.asarray(found, dtype=np.float64)
    return flat.reshape(len(matrix), -1, matrix.shape[1] + 1)


def two_sided(raw: Matrix) -> Matrix:
    """Boosters give one probability for two classes; give both."""
    return np.column_stack([1 - raw, raw]) if raw.ndim == 1 else raw
