"""What a column of a plain table is, and its values as a model takes them.

The kind is found once, in the table; afterwards it alone decides how a value is read, so that a
frame that the model is asked about goes in as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from lifecycle.errors import DataError

BEGINNING = pd.Timestamp(0, tz="UTC")
DAY = pd.Timedelta(days=1)
FEW_VALUES = 20  # up to here, text that differs in every row may still be a category


def useless(column: pd.Series[Any]) -> str:
    """Why nothing can be learned from a column; empty where something may be."""
    known = column.dropna()
    if known.empty:
        return "empty"
    try:
        different = int(known.nunique())
    except TypeError:  # lists, sets, dictionaries
        return "holds collections"
    if different == 1 and len(known) == len(column):
        return "the same in every row"
    if kind_of(column) == "category" and different > max(FEW_VALUES, len(known) / 2):
        return "names rather than groups: it differs in most rows"
    return ""


def kind_of(column: pd.Series[Any]) -> str:
    """`number` or `category`."""
    kind = column.infer_objects().dtype
    if isinstance(kind, pd.CategoricalDtype):
        return "category"
    if types.is_numeric_dtype(kind) or types.is_datetime64_any_dtype(kind):
        return "number"
    if types.is_timedelta64_dtype(kind) or holds_dates(column):
        return "number"
    return "number" if all(map(numeric, column.dropna().unique())) else "category"


def holds_dates(column: pd.Series[Any]) -> bool:
    """Days without an hour, as databases hand them over."""
    return types.infer_dtype(column, skipna=True) == "date"


def numeric(value: object) -> bool:
    """Whether a value reads as a number; `007` is a name, and a blank is a gap."""
    if not isinstance(value, str):
        return isinstance(value, bool | int | float | np.number | Decimal)
    text = value.strip()
    if len(text) > 1 and text[0] == "0" and text[1].isdigit():
        return False
    try:
        float(text or 0)
    except ValueError:
        return False
    return "_" not in text


def as_features(frame: pd.DataFrame, kinds: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """The features as a model takes them: floats, and text or None.

    Raises:
        DataError: columns are lacking.
    """
    return pd.DataFrame(dict(converted(frame, kinds)), index=frame.index)


def converted(
    frame: pd.DataFrame, kinds: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, pd.Series[Any]]]:
    lacking = [name for name, _ in kinds if name not in frame.columns]
    if lacking:
        raise DataError(
            f"The frame lacks {len(lacking)} of {len(kinds)} columns: {', '.join(lacking[:5])}.",
            do="Add them; where nothing is known, a column may be empty.",
        )
    for name, kind in kinds:
        yield name, as_number(frame[name]) if kind == "number" else as_text(frame[name])


def as_number(column: pd.Series[Any]) -> pd.Series[Any]:
    """Float64; times are days since 1970, spans are days, what is no number is missing."""
    column = column.infer_objects()
    if holds_dates(column) or types.is_datetime64_any_dtype(column.dtype):
        # a day that no timestamp reaches, such as one in 9999, is what databases call never
        return (pd.to_datetime(column, utc=True, errors="coerce") - BEGINNING) / DAY
    if types.is_timedelta64_dtype(column.dtype):
        return pd.Series(column.dt.total_seconds() / DAY.total_seconds(), index=column.index)
    numbers = pd.to_numeric(column, errors="coerce")
    return pd.Series(numbers.to_numpy(dtype=np.float64, na_value=np.nan), index=column.index)


def as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Text or None; a whole number is written without its decimals, a blank is a gap."""
    names = {value: spelled(value) for value in column.dropna().unique()}
    return column.astype(object).map(names).astype(object).where(column.notna(), None)


def spelled(value: object) -> str | None:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip() or None
