"""A column is read by its kind, the same in training and when the model is asked."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.errors import DataError
from training.columns import as_features, kind_of, useless


@pytest.mark.parametrize(
    ("values", "dtype", "kind"),
    [
        ([1, 2], "int8", "number"), ([1.5, None], "float64", "number"),
        ([True, False], "bool", "number"), ([1, None], "Int64", "number"),
        ([True, None], "boolean", "number"), ([True, None], object, "number"),
        (["a", "b"], object, "category"), (["a", None], "string", "category"),
        ([1, 2], "category", "category"), (["1.5", "29.85", " "], object, "number"),
        (["01234", "98765"], object, "category"), (["1", "b"], object, "category"),
        (["1_0", "2"], object, "category"), ([1, "b"], object, "category"),
        (["2026-01-01"], "datetime64[ns]", "number"),
        ([datetime(2026, 1, 1, tzinfo=UTC)], object, "number"), ([10], "timedelta64[ns]", "number"),
        ([Decimal("9.90"), None], object, "number"), ([date(2026, 1, 1), None], object, "number"),
    ],
)  # fmt: skip
def test_a_column_is_what_it_holds(values: list[object], dtype: str, kind: str) -> None:
    """Numbers, truth values and times are numbers; text is one only if all of it reads as one."""
    assert kind_of(pd.Series(values, dtype=dtype)) == kind


def test_values_come_out_as_a_model_takes_them() -> None:
    """Floats with NaN, text with None; a time is days since 1970 and a blank is a gap."""
    frame = pd.DataFrame(
        {
            "n": ["1.5", " ", "x"],
            "when": pd.to_datetime(["1970-01-02 12:00", None, "1970-01-11 00:00"]),
            "took": pd.to_timedelta(["1 day", "12 hours", None]),
            "flag": pd.array([True, None, False], dtype="boolean"),
            "day": [date(1970, 1, 2), date(9999, 12, 31), date(1970, 1, 11)],
            "price": [Decimal("9.90"), None, Decimal(7)],
            "code": [1.0, 2.5, np.nan],
            "word": ["a", "  ", None],
        }
    )
    kinds = (
        ("n", "number"), ("when", "number"), ("took", "number"), ("flag", "number"),
        ("day", "number"), ("price", "number"), ("code", "category"), ("word", "category"),
    )  # fmt: skip
    found = as_features(frame, kinds)
    nan = math.nan
    np.testing.assert_array_equal(
        found[["n", "when", "took", "flag", "day", "price"]].to_numpy(dtype=float),
        [
            [1.5, 1.5, 1.0, 1.0, 1.0, 9.9],
            [nan, nan, 0.5, nan, nan, nan],
            [nan, 10.0, nan, 0.0, 10.0, 7.0],
        ],
    )
    assert found["code"].tolist() == ["1", "2.5", None]
    assert found["word"].tolist() == ["a", None, None]


def test_a_time_of_any_zone_is_the_same_number() -> None:
    """What was asked in Berlin is what was learned in UTC."""
    at = pd.Series([datetime(2026, 1, 1, 12, tzinfo=UTC)] * 2)
    there = as_features(pd.DataFrame({"t": at.dt.tz_convert("Europe/Berlin")}), (("t", "number"),))
    here = as_features(pd.DataFrame({"t": at}), (("t", "number"),))
    pd.testing.assert_frame_equal(there, here)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([None, None], "empty"), ([1, 1], "the same in every row"), ([1, None], ""),
        ([[1], [2]], "holds collections"), ([f"name {i}" for i in range(60)], "names rather"),
        (["a", "b"], ""), (list(range(60)), ""), ([f"g{i % 3}" for i in range(60)], ""),
    ],
)  # fmt: skip
def test_what_cannot_teach_is_left_out_with_a_reason(values: list[object], why: str) -> None:
    """Nothing, one value, collections, and text that names each row."""
    found = useless(pd.Series(values))
    assert found.startswith(why)
    assert bool(found) == bool(why)


def test_a_lacking_column_is_named() -> None:
    """A typing error must not become a column of gaps."""
    with pytest.raises(DataError, match=r"lacks 1 of 2 columns: tenure"):
        as_features(pd.DataFrame({"n": [1]}), (("n", "number"), ("tenure", "number")))


anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.datetimes()
)


@given(st.lists(anything, min_size=1, max_size=8))
def test_any_column_is_read_by_the_kind_that_it_was_found_to_be(values: list[object]) -> None:
    """Whatever it holds, it becomes floats or text, one a row, by its own index."""
    column = pd.Series(values, dtype=object, index=range(5, 5 + len(values)))
    kind = kind_of(column)
    found = as_features(pd.DataFrame({"c": column}), (("c", kind),))["c"]
    assert found.index.equals(column.index)
    if kind == "number":
        assert found.dtype == np.float64
    else:
        assert all(value is None or isinstance(value, str) for value in found)
