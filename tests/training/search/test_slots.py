"""Who has which slot, which is next, and what may still begin."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FrozenTrial, TrialState

from training.search.draw import known
from training.search.slots import (
    Order,
    expected,
    is_over,
    may_begin,
    may_go_on,
    next_slot,
    owners,
)

NOON = datetime(2026, 1, 1, 12)  # noqa: DTZ001  Optuna's times have no zone


def trial(
    number: int, state: TrialState, slot: int = 0, stage: int = 0, **notes: Any
) -> FrozenTrial:
    done = state.is_finished()
    return FrozenTrial(
        number=number, trial_id=number, state=state,
        value=1.0 if state == TrialState.COMPLETE else None,
        datetime_start=NOON, datetime_complete=NOON + timedelta(seconds=2) if done else None,
        params={}, distributions={}, system_attrs={}, intermediate_values={},
        user_attrs={"stage": stage, "slot": slot, **notes},
    )  # fmt: skip


COMPLETE, RUNNING, FAIL = TrialState.COMPLETE, TrialState.RUNNING, TrialState.FAIL


def test_the_lowest_number_that_was_not_lost_has_the_slot() -> None:
    """A given-up trial leaves its slot to the next; an error is an outcome; strangers count not."""
    lost = trial(0, FAIL, slot=3, lost="died")
    first, second = trial(1, RUNNING, slot=3), trial(2, COMPLETE, slot=3)
    failed = trial(4, FAIL, slot=5, error="no memory")
    stranger = trial(3, COMPLETE)
    del stranger.user_attrs["slot"]
    assert owners([second, failed, stranger, first, lost]) == {(0, 3): first, (0, 5): failed}


def test_an_outcome_that_time_cut_short_is_lost_to_later_searches() -> None:
    """It counts in the search whose time that was, and in those that began before."""
    cut, whole = trial(0, COMPLETE, slot=1, cut=50.0), trial(1, COMPLETE, slot=1)
    assert owners([cut], began=50.0) == owners([cut], began=9.0) == {(0, 1): cut}
    assert owners([cut], began=51.0) == {}
    assert owners([cut, whole], began=51.0) == {(0, 1): whole}


@given(
    finished=st.sets(st.integers(0, 30)), running=st.sets(st.integers(0, 30)),
    count=st.integers(0, 31),
)  # fmt: skip
def test_a_slot_begins_only_when_those_it_knows_are_finished(
    finished: set[int], running: set[int], count: int
) -> None:
    """The next slot is the lowest free one for which those that it may know of are all finished."""
    has = owners(
        [trial(i, COMPLETE, slot=i) for i in finished]
        + [trial(100 + i, RUNNING, slot=i) for i in running - finished]
    )
    free = [
        n for n in range(count) if (0, n) not in has and all(i in finished for i in range(known(n)))
    ]
    assert next_slot(Order(stage=0, slots=range(count)), has) == (free[0] if free else None)


def test_a_later_stage_goes_by_rank() -> None:
    """There the order of the slots is the order in which they begin, and nothing waits."""
    has = owners([trial(0, RUNNING, slot=9, stage=1)])
    assert next_slot(Order(stage=1, slots=(9, 2, 5)), has) == 2
    assert next_slot(Order(stage=1, slots=(9,)), has) is None


@pytest.mark.parametrize(
    ("trials", "begins", "goes_on", "over"),
    [
        ([], True, True, False),
        ([trial(0, RUNNING)], False, True, False),
        ([trial(0, COMPLETE)], False, False, True),
        ([trial(0, FAIL, error="x")], True, True, False),
        ([trial(i, FAIL, slot=i, error="x") for i in range(3)], False, True, True),
    ],
    ids=["nothing yet", "one under way", "a number", "a failure", "three failures"],
)
def test_past_its_time_a_stage_still_comes_to_one_number(
    trials: list[FrozenTrial], begins: bool, goes_on: bool, over: bool
) -> None:
    """Out of time nothing begins or goes on, unless there is no number and nobody about one."""
    order, has = Order(stage=0, slots=range(9), until=10.0), owners(trials)
    assert may_begin(order, has, 1.0, now=9.5) is begins
    assert may_go_on(order, has, 1.0, now=9.5) is goes_on
    assert is_over(order, has, now=10.5) is over


def test_in_time_everything_begins_and_nothing_is_over() -> None:
    """What ends in time begins; without a limit everything does."""
    has = owners([trial(0, COMPLETE)])
    order = Order(stage=0, slots=range(9), until=10.0)
    assert may_begin(order, has, 1.0, now=8.9)
    assert may_go_on(order, has, 1.0, now=8.9)
    assert not is_over(order, has, now=8.9)
    assert may_begin(Order(stage=0, slots=range(9)), has, 1e9, now=1e9)
    assert is_over(Order(stage=0, slots=range(1)), has, now=0.0)


def test_time_is_expected_from_the_stage_or_from_the_one_before() -> None:
    """As its neighbours took; before any, as the stage before took, by the rows of the two."""
    has = owners([trial(0, COMPLETE, slot=4)])
    sizes = [100.0, 500.0]
    assert expected(Order(stage=0, slots=range(9)), 5, has, sizes) == 2.0
    assert expected(Order(stage=1, slots=(4,)), 4, has, sizes) == 10.0
    assert expected(Order(stage=0, slots=range(9)), 0, {}, sizes) == 0.0
