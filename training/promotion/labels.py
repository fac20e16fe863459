"""Labels and answers by class, so that models that know other classes can be compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lifecycle.metrics import Labels
from training.model import Matrix


def places(labels: pd.Series[Any], classes: tuple[str, ...]) -> Labels:
    """Class index of each label; −1 where the model has no such class."""
    if labels.dtype == bool:
        return labels.to_numpy().astype(np.int64)
    known = {name: place for place, name in enumerate(classes)}
    return np.array([known.get(str(label), -1) for label in labels], dtype=np.int64)


def aligned(probabilities: Matrix, own: tuple[str, ...], wanted: tuple[str, ...]) -> Matrix:
    """Columns in another model's order; a class it never learned has probability 0."""
    place = {name: i for i, name in enumerate(own)}
    columns = [
        probabilities[:, place[name]] if name in place else np.zeros(len(probabilities))
        for name in wanted
    ]
    return np.column_stack(columns)


def rarest(labels: Labels, classes: int) -> int:
    """Rows of the rarest class: for two classes the smaller; for more, of those that occur."""
    counts = np.bincount(labels, minlength=classes)
    occurring = counts if classes == 2 else counts[counts > 0]  # noqa: PLR2004  # binary
    return int(occurring.min()) if len(occurring) else 0
