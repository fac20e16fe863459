"""A challenger beside the champion: who answers whom, and what is logged of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.errors import DataError
from serving.rollout.answering import answer_each
from serving.rollout.shadow import Shadow
from serving.seat import Seat
from tests.serving.rollout.beside import (
    CANARY,
    IN,
    PEOPLE,
    SHADOW,
    pair,
    seen_of,
)
from tests.serving.rollout.toy import Log, Toy, row


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.sampled_from(PEOPLE), st.floats(0, 3)), max_size=30, unique_by=lambda p: p[0]
    )
)
def test_each_customer_is_answered_once_by_their_own_version(
    people: list[tuple[str, float]],
) -> None:
    """Whatever the question: in order, wholly by the version that the hash says, logged as such."""
    log, seats = Log(), pair(CANARY, Toy(0.1), Toy(0.5))
    rows = [row(name, visits) for name, visits in people]
    given_ = answer_each(seats, rows, log.by(), Shadow({}))
    for one, (name, visits) in zip(given_, people, strict=True):
        challenged = name in IN
        assert one.customer_id == name
        assert one.by is not None
        assert one.body()["version"] == one.by.version == (2 if challenged else 1)
        assert one.probability == pytest.approx((0.5 if challenged else 0.1) + visits / 10)
    expected = {(n, 2, "canary") if n in IN else (n, 1, "online") for n, _ in people}
    assert set(log.told()) == expected
    assert len(log.rows) == len(people)


@pytest.mark.parametrize("broken", ["a part is missing", "nan"])
def test_where_the_challenger_fails_the_champion_answers(broken: str) -> None:
    """Nobody goes without an answer, nothing is logged twice, and the failure is counted."""
    log, seats = Log(), pair(CANARY, Toy(0.1), Toy(0.5, broken=broken))
    given_ = answer_each(seats, [row(one) for one in PEOPLE], log.by(), Shadow({}))
    assert {one.by.version for one in given_ if one.by} == {1}
    assert sorted(log.told()) == sorted((one, 1, "online") for one in PEOPLE)
    state = seen_of(seats)
    assert (state["failures"], state["challenger_answers"]) == (1, 0)


def test_a_challenger_without_its_features_fails_and_is_not_guessed() -> None:
    """What the store does not have is no gap to be filled."""
    log = Log()
    seats = pair(CANARY, Toy(0.1), Toy(0.5, features=(("visits", "number"), ("new", "number"))))
    answer_each(seats, [row(one) for one in PEOPLE], log.by(), Shadow({}))
    assert "Missing: new." in str(seen_of(seats)["last_failure"])


def test_the_champions_failure_is_not_hidden() -> None:
    """The champion's own error is raised as ever."""
    seats = pair(CANARY, Toy(0.1, broken="nan"), Toy(0.5))
    with pytest.raises(DataError, match="gave an answer that is no number"):
        answer_each(seats, [row(one) for one in PEOPLE], Log().by(), Shadow({}))


def test_a_seat_chooses_by_customer() -> None:
    """In a canary by hash; in the shadow nobody meets the challenger."""
    seat = Seat("churn")
    seat.sitting = pair(CANARY, Toy(0.1), Toy(0.5))
    assert {one for one in PEOPLE if seat.choose(one).champion.version == 2} == IN
    seat.sitting = pair(SHADOW, Toy(0.1), Toy(0.5))
    assert {seat.choose(one).champion.version for one in PEOPLE} == {1}
