"""What a training set must hold before anything is made of it.

Whoever hands in a frame of their own learns here what is wrong with it, by column and value, and
not three stages later from a library that was given something else than it expected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from lifecycle.errors import DataError
from lifecycle.task import Task
from training.model import number
from training.trainingset import COLUMNS, TrainingSet

TIMES = ("event_timestamp", "signed_up_at", "label_end")
NAMED = 5  # columns that one error names
SHORT = 40  # characters of a value that an error shows

Mask = npt.NDArray[np.bool_]


def admit(task: Task, data: TrainingSet) -> TrainingSet:
    """The training set with labels and numbers as such; the frame handed in is not changed.

    A set that needs nothing comes back as it is.

    Raises:
        DataError: a column is lacking, there twice or of the wrong kind, or a key or a label is
            missing; the error names the column, the rows and a value.
    """
    refuse_columns(task, data)
    refuse_missing(data)
    if data.timed:
        refuse_times(data)
    changed = {"label": as_bool(data.frame["label"])} if task.kind == "binary" else {}
    frame = changed_to(data.frame, changed | dict(as_declared(data.frame, data.features)))
    unanswered = changed_to(data.unanswered, dict(as_declared(data.unanswered, data.features)))
    if frame is data.frame and unanswered is data.unanswered:
        return data
    return replace(data, frame=frame, unanswered=unanswered)


def changed_to(frame: pd.DataFrame, columns: dict[str, pd.Series[Any]]) -> pd.DataFrame:
    """The frame with those columns that differ from its own replaced."""
    other = {name: column for name, column in columns.items() if column is not frame[name]}
    return frame.assign(**other) if other else frame


def refuse_columns(task: Task, data: TrainingSet) -> None:
    """Every column that is needed is there, once."""
    if not data.features:
        raise DataError(
            f"The task {task.name!r} has no features.", do="Name some in its `features`."
        )
    names = [name for name, _ in data.features]
    wanted = [*COLUMNS, *names]
    twice = [name for name, count in Counter(names).items() if count > 1]
    there = Counter(data.frame.columns)
    twice += [name for name in dict.fromkeys(wanted) if there[name] > 1]
    if twice:
        raise DataError(
            f"Columns must be there once: {listed(twice)}.",
            found=f"{len(twice)} named twice.",
            do="Rename or drop the doubles.",
        )
    clash = sorted(set(names) & set(COLUMNS))
    if clash:
        raise DataError(
            f"A feature cannot be a key or the label: {listed(clash)}.",
            do="Take it out of the features: it would tell the answer, or who is asked.",
        )
    lacking = [name for name in wanted if not there[name]]
    if lacking:
        raise DataError(
            f"The training set lacks columns: {listed(lacking)}.",
            found=f"It has {listed(list(data.frame.columns))}.",
            do="Add them; a feature that is missing everywhere may be an empty column.",
        )


def refuse_missing(data: TrainingSet) -> None:
    """Every row says whose it is, when, and what came of it."""
    for name in COLUMNS:
        gaps = int(data.frame[name].isna().sum())
        if gaps:
            label = name == "label"
            raise DataError(
                f"{gaps:,} of {len(data.frame):,} rows have no {name}.",
                found=f"The first is row {int(np.argmax(data.frame[name].isna()))}.",
                do="Leave rows without an answer out." if label else "Fill it or leave them out.",
            )


def refuse_times(data: TrainingSet) -> None:
    """Times are times: text would be ordered by its letters."""
    for name in TIMES:
        kind = data.frame[name].dtype
        if len(data.frame) and not types.is_datetime64_any_dtype(kind):
            raise DataError(
                f"{name} is no time.",
                found=f"Its type is {kind}; the first is {shown(data.frame[name].iloc[0])}.",
                do="Convert it: `pandas.to_datetime(column, utc=True)`.",
            )


def as_bool(labels: pd.Series[Any]) -> pd.Series[Any]:
    """A binary label as True and False.

    Raises:
        DataError: there are values that are neither.
    """
    if labels.dtype == np.bool_:
        return labels
    values = pd.unique(labels)
    if not all(isinstance(v, bool | int | float | np.bool_ | np.number) for v in values) or (
        not set(map(float, values)) <= {0.0, 1.0}
    ):
        raise DataError(
            "The label of a binary task is yes or no.",
            found=f"{len(values)} values: {listed([shown(v) for v in values])}.",
            do="Give True and False (or 1 and 0), True for what the question asks.",
        )
    return labels.astype(bool)


def as_declared(
    frame: pd.DataFrame, features: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, pd.Series[Any]]]:
    """Each feature that is in the frame, as the kind it was declared to be."""
    for name, kind in features:
        if name in frame.columns:
            column = frame[name]
            yield name, (as_number if kind == "number" else as_category)(name, column)


def as_number(name: str, column: pd.Series[Any]) -> pd.Series[Any]:
    """A number as it is, text that can be read as one as a number.

    Raises:
        DataError: values that are no numbers.
    """
    kind = column.dtype
    if types.is_bool_dtype(kind) or (
        types.is_numeric_dtype(kind) and not types.is_complex_dtype(kind)
    ):
        return column
    if column.isna().all():
        return column
    fine = column.isna().to_numpy() | where(column, is_number)
    if not fine.all():
        refuse_values(name, ("a number", "a category"), column, fine)
    return pd.Series([number(v) for v in column], index=column.index, name=name)


def as_category(name: str, column: pd.Series[Any]) -> pd.Series[Any]:
    """Text as it is.

    Raises:
        DataError: values that are no text, which a served model would not know again.
    """
    if types.infer_dtype(column, skipna=True) in {"string", "empty"}:
        return column
    fine = column.isna().to_numpy() | where(column, lambda value: isinstance(value, str))
    if not fine.all():
        refuse_values(name, ("a category, which is text", "a number"), column, fine)
    return column


def is_number(value: Any) -> bool:
    """Whether a value can be read as a number; infinite is one, and will count as missing."""
    if not isinstance(value, str | bool | int | float | np.bool_ | np.number):
        return False
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    except OverflowError:  # a whole number beyond any float
        return True
    return True


def where(column: pd.Series[Any], holds: Callable[[Any], bool]) -> Mask:
    return np.fromiter((holds(value) for value in column), dtype=bool, count=len(column))


def refuse_values(name: str, kinds: tuple[str, str], column: pd.Series[Any], fine: Mask) -> None:
    """Name a column, how many of its values do not fit, and the first of them."""
    bad = column[~fine]
    raise DataError(
        f"The feature {name!r} is declared {kinds[0]}, but not all of its values are that.",
        found=f"{len(bad):,} of {len(column):,}, such as {shown(bad.iloc[0])} "
        f"({type(bad.iloc[0]).__name__}).",
        do=f"Convert them or leave them empty, or declare the feature {kinds[1]}.",
    )


def listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(str, names[:NAMED])) + more


def shown(value: Any) -> str:
    """A value as an error may show it."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"
