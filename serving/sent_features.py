"""What a caller of `/invocations` sent, as far as it can be logged: a number, a word, or nothing.

MLflow takes tables in shapes that are none: one value for a column, a list within a column that
the model does not read. What the model read of them was scored, so it has a row in the log; what
cannot be told is nothing there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.prediction import FeatureValue

Features = Sequence[tuple[str, str]]


def as_sent(data: Any, features: Features, rows: int) -> list[dict[str, FeatureValue]]:
    """The model's features in what was sent, row by row.

    Column by column in plain Python: for the one row of most requests each step of pandas
    would cost more than the whole model. Columns that the model does not know are not looked at.

    Args:
        data: a frame, a mapping of columns, or rows, as MLflow's parser leaves them.
        features: (name, kind) of the model's, in its order.
        rows: how many answers were given.
    """
    columns = data if isinstance(data, pd.DataFrame | Mapping) else pd.DataFrame(data)
    read = [readings(columns, name, kind, rows) for name, kind in named(columns, features)]
    names = [name for name, _ in features]
    return [dict(zip(names, row, strict=True)) for row in zip(*read, strict=True)]


def named(columns: pd.DataFrame | Mapping[str, Any], features: Features) -> list[tuple[Any, str]]:
    """What each feature is called in the table, with its kind; without names they have places."""
    found = list(columns)
    places = isinstance(columns, pd.DataFrame) and len(found) == len(features)
    if places and not {name for name, _ in features} & set(found):
        return [(column, kind) for column, (_, kind) in zip(found, features, strict=True)]
    return list(features)


def readings(
    columns: pd.DataFrame | Mapping[str, Any], name: Any, kind: str, rows: int
) -> list[FeatureValue]:
    """One column's values; nothing throughout where it is not there or has another length."""
    if name not in columns:
        return [None] * rows
    values = np.asarray(columns[name], dtype=object)
    # a value by itself is that of every row, as for pandas
    values = np.full(rows, values[()]) if values.ndim == 0 else values
    if values.shape != (rows,):
        return [None] * rows
    read = number if kind == "number" else word
    return [read(value) for value in values.tolist()]


def number(value: Any) -> float | None:
    """A finite number, or nothing."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def word(value: Any) -> str | None:
    """A word, as a plain one: NumPy has its own kind."""
    return str(value) if isinstance(value, str) else None
