"""Rules are data that a data set may bound otherwise, and that can always be judged."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from lifecycle.errors import UsageError
from lifecycle.gate import (
    AtLeast,
    AtMost,
    Better,
    Gate,
    NoSkew,
    NotWorse,
    NotWorseOnSlices,
    SignatureCompatible,
)

GATE = Gate(
    rules=(AtLeast("roc_auc", 0.55), AtMost("ece", 0.1), NotWorse("ece", 0.1), NoSkew()),
    least_rows=7,
)


def test_a_data_set_sets_floors_and_ceilings() -> None:
    """The bound of that metric changes, every other rule and size stays."""
    found = GATE.bounded({"roc_auc": 0.75, "ece": 0.05})
    assert found.rules == (
        AtLeast("roc_auc", 0.75), AtMost("ece", 0.05), NotWorse("ece", 0.1), NoSkew(),
    )  # fmt: skip
    assert found.least_rows == 7
    assert GATE.bounded({}) == GATE


def test_a_floor_for_nothing_is_an_error() -> None:
    """A misspelt metric does not silently leave the gate as it was."""
    with pytest.raises(UsageError) as caught:
        GATE.bounded({"rocauc": 0.75})
    assert str(caught.value) == (
        "The gate cannot take another bound of 'rocauc'. 0 of its rules bound that metric; there "
        "are bounds of roc_auc, ece. Name one of those, or give the task an AtLeast or AtMost of "
        "it."
    )
    twice = Gate(rules=(AtLeast("ece", 0.0), AtMost("ece", 0.1)))
    with pytest.raises(UsageError, match="2 of its rules bound"):
        twice.bounded({"ece": 0.05})


@pytest.mark.parametrize(
    "make",
    [
        lambda odd: AtLeast("roc_auc", odd),
        lambda odd: AtMost("ece", odd),
        lambda odd: NotWorse("ece", odd),
        lambda odd: Better("ece", odd),
        lambda odd: NotWorseOnSlices("ece", odd),
        lambda odd: NotWorseOnSlices("ece", 0.1, level=odd),
        lambda odd: NoSkew(tolerance=odd),
    ],
)
@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_a_rule_without_a_number_cannot_be_made(
    make: Callable[[float], object], odd: float
) -> None:
    """What nothing could be held against is an error of whoever wrote the task."""
    with pytest.raises(UsageError, match="cannot be judged"):
        make(odd)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1])
def test_a_level_that_nothing_could_fail_is_refused(level: float) -> None:
    """A slice test at level 0 would be a gate that ships switched off."""
    with pytest.raises(UsageError, match="a share between 0 and 1"):
        NotWorseOnSlices("roc_auc", 0.01, level=level)


def test_rules_are_values() -> None:
    """Two rules that ask the same are the same."""
    assert {SignatureCompatible(), SignatureCompatible(), NoSkew(), NoSkew(50)} == {
        SignatureCompatible(), NoSkew(),
    }  # fmt: skip


@pytest.mark.parametrize("by", ["country", (), ("country", ""), ["country"], ("country", 3)])
def test_slices_of_nothing_are_refused(by: object) -> None:
    """A text would be read letter by letter, and an empty list passes whatever comes."""
    with pytest.raises(UsageError, match="It slices by"):
        NotWorseOnSlices("log_loss", 0.02, by=by)  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize("metric", ["", None, ["roc_auc"]])
def test_a_rule_names_its_metric(metric: object) -> None:
    """What is no name is found where the task's file is read, not in the night."""
    for make in (AtLeast, AtMost, NotWorse, Better, NotWorseOnSlices):
        with pytest.raises(UsageError, match="Its metric is"):
            make(metric, 0.1)  # type: ignore[arg-type]  # the mistake


def test_the_size_of_a_slice_is_a_number() -> None:
    """NaN would let every slice be too small."""
    for name in ("least_rows", "least_positives"):
        with pytest.raises(UsageError, match=f"Its {name} is nan"):
            NotWorseOnSlices("log_loss", 0.02, **{name: math.nan})  # type: ignore[arg-type]
