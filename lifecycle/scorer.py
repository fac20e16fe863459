"""A version's scorer as whoever serves or checks it meets it, and how an answer is reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecycle.prediction import FeatureValue
from lifecycle.task import Kind

Probabilities = NDArray[np.float64]
ScoreCells = Callable[[Sequence[Sequence[FeatureValue]]], Probabilities]


class Scorer(Protocol):
    """What a model version offers beside MLflow's `predict`. It comes with the version's files."""

    @property
    def kind(self) -> Kind: ...

    @property
    def classes(self) -> Sequence[str]:
        """In the order of the probabilities' columns; of a binary task `no`, `yes`."""
        ...

    @property
    def features(self) -> Sequence[tuple[str, str]]:
        """Name and type, in the model's order."""
        ...

    def score(self, frame: pd.DataFrame) -> Probabilities:
        """Calibrated probabilities, (rows, classes)."""
        ...

    def score_rows(self, rows: Sequence[Mapping[str, FeatureValue]]) -> Probabilities:
        """The same for a few rows, without a frame."""
        ...

    def answers(self, probabilities: Probabilities) -> list[str]:
        """The decision in words for each row."""
        ...


@runtime_checkable
class Explains(Protocol):
    """What versions offer since they carry the meanings of their features."""

    def reasons(
        self, rows: Sequence[Mapping[str, FeatureValue]], k: int
    ) -> Sequence[Sequence[Mapping[str, Any]]]:
        """The at most k features that weigh most in each row's answer, in numbers and words."""
        ...


def without_names(scorer: Scorer) -> ScoreCells | None:
    """How it scores rows whose values stand in the order of its features.

    None: a version of before this was offered; `score_rows` gives the same.
    """
    found: ScoreCells | None = getattr(scorer, "score_cells", None)
    return found


def names(scorer: Scorer) -> list[str]:
    return [name for name, _ in scorer.features]


def reported(scorer: Scorer, probabilities: Probabilities) -> NDArray[np.float64]:
    """The one probability a row is reported by: of `yes` (binary), of the answer (multiclass)."""
    found: NDArray[np.float64] = (
        probabilities[:, 1] if scorer.kind == "binary" else probabilities.max(axis=1)
    )
    return found


def by_class(scorer: Scorer, row: NDArray[np.float64]) -> dict[str, float]:
    """Class → probability, the likeliest first."""
    pairs = zip(map(str, scorer.classes), row.tolist(), strict=True)
    return dict(sorted(pairs, key=lambda pair: -pair[1]))


def records(frame: pd.DataFrame) -> list[dict[str, FeatureValue]]:
    """Rows as plain values, absent ones as None."""
    plain = frame.astype(object).where(frame.notna(), None)
    columns = [str(name) for name in plain.columns]
    return [dict(zip(columns, row, strict=True)) for row in plain.itertuples(index=False)]
