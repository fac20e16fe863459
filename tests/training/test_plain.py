"""A plain table becomes a training set: labels of any kind, keys where there are none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lifecycle.errors import DataError, UnknownName, UsageError
from training.plain import table

FRAME = pd.DataFrame(
    {
        "who": ["a", "a", "b", "c"],
        "on": ["2026-03-01", "2026-01-01", "2026-02-01", "2026-02-02"],
        "tenure": [1, 2, 3, 4],
        "plan": ["free", "pro", "free", None],
        "churned": ["Yes", "No", "No", "Yes"],
    }
)


@pytest.mark.parametrize(
    ("values", "positive", "classes", "truth"),
    [
        (["Yes", "No", "No", "Yes"], None, ("No", "Yes"), [True, False, False, True]),
        ([1, 0, 0, 1], None, (0, 1), [True, False, False, True]),
        ([True, False, False, True], None, (False, True), [True, False, False, True]),
        (["churned", "stays", "stays", "churned"], "churned", ("stays", "churned"),
         [True, False, False, True]),
        (pd.Categorical([2.0, 1.0, 1.0, 2.0]), None, (1.0, 2.0), [True, False, False, True]),
        (pd.array([True, False, False, True], dtype="boolean"), None, (False, True),
         [True, False, False, True]),
    ],
)  # fmt: skip
def test_two_values_of_any_kind_are_a_binary_label(
    values: object, positive: object, classes: tuple[object, ...], truth: list[bool]
) -> None:
    """The greater one is asked for, unless another is named; the values come back as they were."""
    made = table(FRAME.assign(churned=values), "churned", positive=positive)
    assert tuple(made.answers.values()) == classes
    assert made.frame["label"].tolist() == truth
    assert made.frame["label"].dtype == np.bool_


def test_more_values_are_classes() -> None:
    """Called by their text, in its order, as the model's columns will be."""
    made = table(FRAME.assign(churned=[10, 9, 9, 2]), "churned")
    assert dict(made.answers) == {"10": 10, "2": 2, "9": 9}
    assert made.frame["label"].tolist() == ["10", "9", "9", "2"]


def test_a_table_without_time_is_one_of_single_cases() -> None:
    """Each row is somebody else's; equal tables are equal training sets on any day."""
    made = table(FRAME.drop(columns=["who", "on"]), "churned")
    assert not made.timed
    assert made.frame["customer_id"].is_unique
    assert made.features == (("tenure", "number"), ("plan", "category"))
    assert made.fingerprint == table(FRAME.drop(columns=["who", "on"]), "churned").fingerprint
    assert made.as_of == table(FRAME.drop(columns=["who", "on"]), "churned").as_of


def test_time_and_entity_become_keys() -> None:
    """An entity begins at its first row, so that a forward cut keeps its rows together."""
    made = table(FRAME, "churned", entity="who", time="on")
    assert made.timed
    assert made.frame["customer_id"].tolist() == ["a", "a", "b", "c"]
    first = pd.Timestamp("2026-01-01", tz="UTC")
    assert made.frame["signed_up_at"].tolist()[:2] == [first, first]
    assert made.as_of.isoformat() == "2026-03-01T00:00:00+00:00"
    assert [name for name, _ in made.features] == ["tenure", "plan"]


def test_the_frame_that_was_handed_in_is_not_changed() -> None:
    """A notebook's own frame is its own, whatever its index and its columns are called."""
    odd = FRAME.set_axis([7, 7, 9, 1]).rename(columns={"tenure": 3})
    before = odd.copy(deep=True)
    assert table(odd, "churned", entity="who").features[1] == ("3", "number")
    pd.testing.assert_frame_equal(odd, before)


def test_what_teaches_nothing_is_left_out_and_told() -> None:
    """With the reason; what was dropped by hand needs none."""
    wide = FRAME.assign(empty=None, same=1)
    made = table(wide, "churned", entity="who", drop=["on", "plan"])
    assert dict(made.left_out) == {"empty": "empty", "same": "the same in every row"}
    assert [name for name, _ in made.features] == ["tenure"]


@pytest.mark.parametrize(
    ("change", "options", "error", "words"),
    [
        ({}, {"label": "chruned"}, UnknownName, "Did you mean 'churned'"),
        ({}, {"drop": ["plna"]}, UnknownName, "Did you mean 'plan'"),
        ({"churned": ["Yes", "No", None, "No"]}, {}, DataError, "1 of 4 rows have no churned"),
        ({"churned": "No"}, {}, DataError, "one value only. All 4 rows are 'No'"),
        ({"churned": [1, "1", 2, 2]}, {}, DataError, "differ in type only"),
        ({"churned": [[1], [2], [1], [2]]}, {}, DataError, "cannot be classes"),
        ({}, {"positive": "Maybe"}, UnknownName, "Known one of two values of churneds: No, Yes"),
        ({}, {"time": "tenure"}, DataError, "holds numbers and no times"),
        ({}, {"time": "plan"}, DataError, "'plan' is no time"),
        ({"on": ["2026-01-01", None, None, None]}, {"time": "on"}, DataError, "3 rows have no on"),
        ({}, {"entity": "plan"}, DataError, "1 rows have no plan"),
        ({"label_end": 1.5}, {}, None, ""),
        ({"label_end": [1, 2, 3, 4]}, {}, UsageError, "Training itself calls columns label_end"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(
    change: dict[str, object], options: dict[str, object], error: type[Exception] | None, words: str
) -> None:
    """The error names the column and what to do."""
    frame = FRAME.assign(**change)
    asked = {"label": "churned", **options}
    if error is None:
        table(frame, **asked)
        return
    with pytest.raises(error, match=words):
        table(frame, **asked)


def test_a_quantity_is_no_label() -> None:
    """Hundreds of classes are a regression in disguise."""
    frame = pd.DataFrame({"spent": np.arange(300.0), "n": np.arange(300)})
    with pytest.raises(DataError, match=r"300 different values .*pandas.cut"):
        table(frame, "spent")


def test_columns_of_one_name_are_refused() -> None:
    """Which of them was meant cannot be told."""
    twice = pd.concat([FRAME, FRAME[["plan"]]], axis=1)
    with pytest.raises(DataError, match="must be there once: plan"):
        table(twice, "churned")
