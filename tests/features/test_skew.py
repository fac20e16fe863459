"""Two vectors beside each other: equal, different, and different for a reason."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.skew.offline import Pair, Vector, differences, explained
from features.skew.request import Request, plain
from lifecycle.prediction import FeatureValue

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAMES = ("a", "b", "c")
TOLERANCE = 1e-6

VALUES = st.none() | st.floats(allow_infinity=False) | st.sampled_from(["", "x", "1.0"])
CLOSE = st.sampled_from([0.0, 1.0, 1.0 + 1e-7, 1.0 + 1e-5, 1e9, 1e9 + 100.0, 1e9 + 1e4, -1.0])
VECTORS = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES | CLOSE))


def pair_of(online: Vector, offline: Vector) -> Pair:
    request = Request(
        customer_id="c1", at=NOON - HOUR, answered_at=NOON, version=1, logged=True,
        vector=online, scores={},
    )  # fmt: skip
    return Pair(request=request, names=NAMES, offline=offline)


def named(online: Vector, offline: Vector, tolerance: float = TOLERANCE) -> set[str]:
    return {one.name for one in differences(pair_of(online, offline), tolerance)}


def alike(one: FeatureValue, other: FeatureValue) -> bool:
    """Written without a look at the code: gaps, texts, then numbers."""
    gaps = [
        value is None or (isinstance(value, float) and math.isnan(value)) for value in (one, other)
    ]
    if any(gaps):
        return all(gaps)
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return abs(one - other) <= TOLERANCE * max(1.0, abs(one), abs(other))


@given(VECTORS, VECTORS)
@settings(deadline=None, max_examples=150)
def test_vectors_are_compared_value_by_value(one: Vector, other: Vector) -> None:
    """What differs is named, whichever side it is seen from; a vector never differs from itself."""
    assert named(one, other) == {name for name in NAMES if not alike(one[name], other[name])}
    assert named(one, other) == named(other, one)
    assert named(one, one) == set()


@given(st.floats(-1e12, 1e12), st.floats(-2.0, 2.0))
@settings(deadline=None, max_examples=80)
def test_the_tolerance_is_a_share_of_what_is_large(number: float, times: float) -> None:
    """Within it nothing is said, beyond it is; it never shrinks below its own size."""
    offline = dict.fromkeys(NAMES, number)
    step = TOLERANCE * max(1.0, abs(number))
    near = {**offline, "a": number + times * step}
    if abs(times) <= 0.9:
        assert named(near, offline) == set()
    if abs(times) >= 1.1:
        assert named(near, offline) == {"a"}


@pytest.mark.parametrize("gap", [None, math.nan, np.nan, pd.NA, pd.NaT])
def test_every_kind_of_gap_is_one(gap: object) -> None:
    """Frames, logs and stores each have their own nothing."""
    assert plain(gap) is None
    assert plain(np.float64(2.5)) == 2.5
    assert plain(True) == 1.0  # as the log writes it
    assert plain("x") == "x"


def test_a_missing_feature_is_a_gap() -> None:
    """A vector that lacks a name has nothing there."""
    assert named({"a": 1.0}, {"a": 1.0, "b": None, "c": 2.0}) == {"c"}


def known(*rows: tuple[datetime, float]) -> pd.DataFrame:
    """States of the event store: by when, and what feature `a` came to."""
    frame = pd.DataFrame(rows, columns=["arrived_by", "a"])
    return frame.assign(b=None, c="x")


def told(a: float) -> Vector:
    return {"a": a, "b": None, "c": "x"}


def test_what_arrived_later_explains_a_difference() -> None:
    """The answer is one state's, no later than it was given; the offline row another's."""
    states = known((NOON - HOUR, 1.0), (NOON + HOUR, 2.0))
    late = pair_of(told(1.0), told(2.0))
    assert explained(late, states, TOLERANCE)
    assert not explained(replace(late, offline=told(3.0)), states, TOLERANCE)
    assert not explained(pair_of(told(3.0), told(2.0)), states, TOLERANCE)
    assert not explained(pair_of(told(2.0), told(1.0)), states, TOLERANCE)  # not known by then
    assert not explained(pair_of({**told(1.0), "c": "y"}, told(2.0)), states, TOLERANCE)


def test_no_state_explains_nothing() -> None:
    """A changed offline row, with nothing that arrived, stays a difference."""
    assert not explained(pair_of(told(1.0), told(2.0)), known((NOON - HOUR, 1.0)), TOLERANCE)
