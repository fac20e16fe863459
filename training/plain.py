"""A plain table as a training set: somebody's frame in a notebook, with a column to predict."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from lifecycle.errors import DataError, UnknownName, UsageError
from training.columns import as_features, kind_of, useless
from training.trainingset import COLUMNS, TrainingSet

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
TWO_CLASSES = 2
MOST_CLASSES = 50


@dataclass(frozen=True, kw_only=True)
class PlainTable(TrainingSet):
    """A training set that was made of a plain table.

    Attributes:
        label: the column that is predicted.
        answers: class, as the model calls it → value in the label's column; in the model's order.
        left_out: column → why the model does not see it.
    """

    label: str
    answers: Mapping[str, Hashable]
    left_out: Mapping[str, str] = field(default_factory=dict)


def table(
    frame: pd.DataFrame,
    label: str,
    *,
    entity: str | None = None,
    time: str | None = None,
    drop: Sequence[str] = (),
    positive: Hashable = None,
) -> PlainTable:
    """Make a training set of a table with one row a case.

    Args:
        frame: never changed. Numbers, truth values and times become numbers; text and categories
            become categories; text that reads as a number throughout is one.
        label: the column to predict: two values or more.
        entity: whose each row is; rows of one entity stay on one side of every cut. Default:
            each row is somebody else's.
        time: when each row was known. Given, the test is the newest rows and folds go forward.
        drop: columns to leave out, such as those that would tell the answer.
        positive: the value whose probability is asked, of two; default: the greater one (True,
            1, "yes").

    Raises:
        DataError: a column cannot be what it is meant to be.
        UnknownName: there is no such column.
    """
    named = named_once(frame)
    for name in (label, *(n for n in (entity, time) if n is not None), *drop):
        if name not in named.columns:
            raise UnknownName("column", name, named.columns)
    answers = named[label]
    values = classes_of(label, answers, positive)
    keys = keys_of(named, entity, time)
    columns = [n for n in named.columns if n not in {label, entity, time, *drop}]
    left_out = {n: why for n in columns if (why := useless(named[n]))}
    kinds = tuple((n, kind_of(named[n])) for n in columns if n not in left_out)
    refuse_reserved([name for name, _ in kinds])
    whole = pd.concat([keys, as_features(named, kinds)], axis=1)
    back = {value: name for name, value in values.items()}
    whole.insert(3, "label", labels_of(answers, back).to_numpy())
    return PlainTable(
        frame=whole,
        features=kinds,
        as_of=keys["event_timestamp"].max().to_pydatetime() if time else BEGINNING,
        timed=time is not None,
        lineage={"dataset": "a plain table", "label": label, "rows": str(len(whole))},
        label=label,
        answers=values,
        left_out=left_out,
    )


def named_once(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with text for names and rows counted from 0.

    Raises:
        DataError: two columns have the same name.
    """
    names = [str(name) for name in frame.columns]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"Columns must be there once: {', '.join(twice[:5])}.", do="Rename or drop the doubles."
        )
    return frame.set_axis(names, axis=1).reset_index(drop=True)


def classes_of(label: str, answers: pd.Series[Any], positive: Hashable) -> dict[str, Hashable]:
    """The model's name of each class → the value that it has in the table.

    Raises:
        DataError: rows without an answer, one class only, or so many that it is a quantity.
        UnknownName: no row has the positive value.
    """
    gaps = int(answers.isna().sum())
    if gaps:
        raise DataError(
            f"{gaps:,} of {len(answers):,} rows have no {label}.",
            do=f"Leave them out: `frame.dropna(subset=[{label!r}])`.",
        )
    found = values_of(label, answers)
    if len(found) < TWO_CLASSES:
        raise DataError(
            f"The column {label!r} has one value only.",
            found=f"All {len(answers):,} rows are {found[0]!r}." if found else "It is empty.",
            do="Choose another label, or add rows of another class.",
        )
    if len(found) > MOST_CLASSES:
        raise DataError(
            f"The column {label!r} has too many classes.",
            found=f"{len(found):,} different values in {len(answers):,} rows.",
            do="Only classes can be learned: cut a quantity into ranges first (`pandas.cut`).",
        )
    if positive is not None and (positive not in found or len(found) > TWO_CLASSES):
        raise UnknownName(f"one of two values of {label}", str(positive), map(str, found))
    if len(found) > TWO_CLASSES:
        return named_apart(label, found)
    yes = found[1] if positive is None else positive
    return {"no": next(value for value in found if value != yes), "yes": yes}


def values_of(label: str, answers: pd.Series[Any]) -> list[Any]:
    """The different answers in their order.

    Raises:
        DataError: they are collections, of which none is a class.
    """
    try:
        return sorted(answers.unique().tolist(), key=lambda v: (type(v).__name__, v))
    except TypeError as error:
        raise DataError(
            f"The column {label!r} holds values that cannot be classes.",
            found=f"The first is {answers.iloc[0]!r}.",
            do="Make them text, truth values or numbers.",
        ) from error


def named_apart(label: str, values: Sequence[Hashable]) -> dict[str, Hashable]:
    """Text → the value that it stands for, in the order of the text.

    Raises:
        DataError: two values look the same as text.
    """
    names = {str(value): value for value in values}
    if len(names) < len(values):
        raise DataError(
            f"Some values of {label!r} differ in type only.",
            found=f"{len(values)} values, {len(names)} names.",
            do=f"Make them one: `frame[{label!r}].astype(str)`.",
        )
    return dict(sorted(names.items(), key=lambda pair: pair[0]))


def labels_of(answers: pd.Series[Any], names: Mapping[Hashable, str]) -> pd.Series[Any]:
    """Truth values for two classes, the classes' names for more."""
    called = answers.astype(object).map(names)
    return called == "yes" if set(names.values()) == {"no", "yes"} else called


def keys_of(frame: pd.DataFrame, entity: str | None, time: str | None) -> pd.DataFrame:
    """Who and when, of each row, as training calls it.

    Raises:
        DataError: somebody is missing, or a time is none.
    """
    rows = pd.Series(np.arange(len(frame)))
    if entity is not None and frame[entity].isna().any():
        raise DataError(
            f"{int(frame[entity].isna().sum()):,} rows have no {entity}.",
            do="Fill it, or leave `entity` out if every row is somebody else's.",
        )
    who = rows.astype(str) if entity is None else frame[entity].astype(str)
    when = BEGINNING + pd.to_timedelta(rows, unit="s") if time is None else times_of(frame[time])
    when = when.dt.as_unit("us")
    first = when.groupby(who.to_numpy()).transform("min")
    keys = {"customer_id": who, "event_timestamp": when, "signed_up_at": first, "label_end": when}
    return pd.DataFrame(keys)


def times_of(column: pd.Series[Any]) -> pd.Series[Any]:
    """UTC times; text is read.

    Raises:
        DataError: numbers, or text that is no time.
    """
    if types.is_numeric_dtype(column.dtype):
        raise DataError(
            f"The column {column.name!r} holds numbers and no times.",
            do="Convert it: `pandas.to_datetime(column, unit=…)`.",
        )
    try:
        with warnings.catch_warnings():
            # pandas warns where it would have to guess row by row: that is no time to order by
            warnings.simplefilter("error", UserWarning)
            found = pd.to_datetime(column, utc=True)
    except (ValueError, TypeError, UserWarning) as error:
        raise DataError(
            f"The column {column.name!r} is no time.",
            found=str(error).partition("\n")[0],
            do="Convert it: `pandas.to_datetime(column, format=…)`.",
        ) from error
    if found.isna().any():
        raise DataError(
            f"{int(found.isna().sum()):,} rows have no {column.name}.",
            do="Fill it or leave them out.",
        )
    return found


def refuse_reserved(names: Sequence[str]) -> None:
    clash = sorted(set(names) & set(COLUMNS))
    if clash:
        raise UsageError(
            f"Training itself calls columns {', '.join(clash)}.",
            do="Say what they are (`entity=`, `time=`, `drop=`) or rename them.",
        )
