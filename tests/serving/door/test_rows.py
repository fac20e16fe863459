"""serving.door.rows: too many rows and infinite numbers are MLflow's 400, all else passes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException

from serving.door.rows import MOST_ROWS, refuse_rows

SHAPES = {
    "frame": lambda column: pd.DataFrame({"spent": column}),
    "frame of anything": lambda column: pd.DataFrame({"spent": pd.Series(column, dtype=object)}),
    "arrays": lambda column: {"spent": np.array(column, dtype=float)},
    "lists": lambda column: {"spent": column},
    "rows": lambda column: [[value] for value in column],
}


@pytest.mark.parametrize("shape", SHAPES)
@given(column=st.lists(st.floats(), min_size=1, max_size=5))
@settings(deadline=None)
def test_infinity_is_found_in_every_shape(shape: str, column: list[float]) -> None:
    """NaN is a missing value and passes; an infinite number is refused with its row."""
    data = SHAPES[shape](column)
    places = [place for place, value in enumerate(column) if math.isinf(value)]
    if not places:
        refuse_rows(data)
        return
    with pytest.raises(MlflowException, match=f"Row {places[0]} holds an infinite") as caught:
        refuse_rows(data)
    assert caught.value.get_http_status_code() == 400


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_are_counted_in_every_shape(shape: str) -> None:
    """The most is allowed, one more is not."""
    refuse_rows(SHAPES[shape]([1.0] * MOST_ROWS))
    with pytest.raises(MlflowException, match=f"has {MOST_ROWS + 1} rows. {MOST_ROWS} are allowed"):
        refuse_rows(SHAPES[shape]([1.0] * (MOST_ROWS + 1)))


@pytest.mark.parametrize(
    "data",
    [pd.DataFrame(), {}, [], None, 7, {"a": 7}, {"a": "text"}, {"a": [[1], [1, 2]]}, [{"a": 1}],
     np.array(3.0), {"a": np.array(1.0)}, pd.DataFrame({"a": [[1, 2], None]})],
    ids=repr,
)  # fmt: skip
def test_what_else_there_is_passes(data: Any) -> None:
    """What is wrong with it is for MLflow to say."""
    refuse_rows(data)
