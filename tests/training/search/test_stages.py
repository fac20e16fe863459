"""Successive enlargement: who goes on, and when a stage should end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, create_trial

from training.search.stages import spread, takers, until


def test_each_stage_takes_half_of_the_one_before() -> None:
    """Four, two, and at least one."""
    assert [takers(stage) for stage in range(1, 6)] == [4, 2, 1, 1, 1]


def test_the_first_of_several_has_half_of_the_time() -> None:
    """The only one has it all; the last ends with the search, whatever was used before."""
    assert until(0, [1.0], now=0, began=0, ends=10) == 10
    assert until(0, [1.0, 5.0], now=0, began=0, ends=10) == 5
    assert until(1, [1.0, 5.0], now=7, began=0, ends=10) == 10


def test_what_is_left_is_shared_as_the_work_is() -> None:
    """Four candidates on 100 rows, then two on 600: a quarter and three quarters."""
    assert until(1, [10.0, 100.0, 600.0], now=4, began=0, ends=12) == pytest.approx(6)


def trial(slot: int, algorithm: str, balancing: str = "none") -> FrozenTrial:
    """A finished trial of the first stage."""
    return create_trial(
        params={"algorithm": algorithm, "balancing": balancing},
        distributions={
            "algorithm": CategoricalDistribution(("xgboost", "lightgbm")),
            "balancing": CategoricalDistribution(("none", "smote")),
        },
        user_attrs={"slot": slot},
        value=0.0,
    )


def test_both_algorithms_and_the_first_known_point_go_on() -> None:
    """Three of the best are of one algorithm: the other's best and slot 0 still have places."""
    best = [trial(5, "xgboost"), trial(7, "xgboost"), trial(6, "xgboost", "smote"),
            trial(3, "lightgbm", "smote"), trial(4, "lightgbm"), trial(0, "lightgbm")]  # fmt: skip
    assert [t.user_attrs["slot"] for t in spread(best, 4)] == [5, 7, 4, 0]
    assert [t.user_attrs["slot"] for t in spread(best, 2)] == [5, 4]
    assert [t.user_attrs["slot"] for t in spread(best[:3], 3)] == [5, 7, 6]
    assert spread([], 4) == []


@given(
    rows=st.lists(st.floats(1, 1e6), min_size=2, max_size=5),
    now=st.floats(0, 20), stage=st.integers(0, 3),
)  # fmt: skip
def test_a_stage_never_ends_after_the_search_nor_before_it_begins(
    rows: list[float], now: float, stage: int
) -> None:
    """Late or not, a later stage ends between now and the search's end, or at once."""
    stage = min(stage, len(rows) - 1)
    end = until(stage, sorted(rows), now=now, began=0, ends=10)
    assert end <= max(now, 10) + 1e-9
    if 0 < stage < len(rows) - 1:
        assert end >= now
