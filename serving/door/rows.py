"""Which rows of features are no question: too many, or with a number that is none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException

MOST_ROWS = 10_000

Array: TypeAlias = np.ndarray[Any, Any]


def refuse_rows(data: Any) -> None:
    """Pass rows as MLflow has parsed them: a frame, an array, or lists or arrays by column.

    Raises:
        MlflowException: there are more than 10,000, or one holds an infinite number, which is
            also what a parser makes of one with too many digits. MLflow answers 400.
    """
    for name, column in columns(data):
        if column.ndim and len(column) > MOST_ROWS:
            raise MlflowException.invalid_parameter_value(
                f"The request has {len(column)} rows. {MOST_ROWS} are allowed. "
                "Send fewer at a time."
            )
        if (place := infinite(column)) is not None:
            raise MlflowException.invalid_parameter_value(
                f"Row {place} holds an infinite number{name and f' in {name!r}'}. Send numbers "
                "that a double can hold, and null for what is not known."
            )


def columns(data: Any) -> Iterator[tuple[str, Array]]:
    """Each column with its name; of what has none, the whole."""
    if isinstance(data, pd.DataFrame):
        yield "", np.empty(len(data))
        for place, name in enumerate(data.columns):
            yield str(name)[:100], data.iloc[:, place].to_numpy()
    elif isinstance(data, Mapping):
        for name, column in data.items():
            yield str(name)[:100], array(column)
    else:
        yield "", array(data)


def array(values: Any) -> Array:
    """Values that are no array yet stay what they are, also where rows differ in length."""
    return values if isinstance(values, np.ndarray) else np.asarray(values, dtype=object)


def infinite(column: Array) -> int | None:
    """The first row with an infinite number; None where there is none."""
    if column.dtype.kind == "f":
        found = np.isinf(column)
    elif column.dtype == object:
        found = np.asarray(endless(column), dtype=bool)
    else:
        return None
    if not found.any():
        return None
    return int(np.argwhere(found)[0][0]) if column.ndim else 0


def is_endless(value: Any) -> bool:
    return isinstance(value, float) and math.isinf(value)


endless = np.frompyfunc(is_endless, 1, 1)
