"""A feature's value as somebody reads it who never saw a table."""

from __future__ import annotations

import pytest

from features.catalogue import catalogue
from features.meaning import FLAG, SHARE, TIMES, Meaning, meanings
from lifecycle.dataset import DataSet


@pytest.fixture
def known(toy: DataSet) -> dict[str, Meaning]:
    return meanings(toy)


def test_every_feature_has_a_meaning(known: dict[str, Meaning], toy: DataSet) -> None:
    """None of the catalogue is without words, and a window names its days."""
    for feature in catalogue(toy):
        told = known[feature.name]
        assert told.words[0].isupper()
        assert not told.words.endswith(".")
        if feature.window_days == 1:
            assert told.words.endswith("in the last day")
        elif feature.window_days:
            assert told.words.endswith(f"in the last {feature.window_days} days")


def test_no_two_features_mean_the_same(known: dict[str, Meaning]) -> None:
    """Whoever reads two reasons reads of two things."""
    assert len({told.words for told in known.values()}) == len(known)


@pytest.mark.parametrize(
    ("name", "words", "unit", "absent"),
    [
        ("count_login_7d", "How often 'login' happened in the last 7 days", TIMES, None),
        ("days_since_last_activity", "Time since the last activity after sign-up", "days", "never"),
        ("share_video_30d", "Share of 'video' in the content taken up in the last 30 days", SHARE,
         "nothing to go by"),
        ("active_days_7d", "Days with activity in the last 7 days", "", None),
        ("days_since_sign_up", "Time since sign-up", "days", "not known"),
        ("profile_newsletter", None, FLAG, "not known"),
    ],
)  # fmt: skip
def test_a_meaning_stands_before_a_value(
    known: dict[str, Meaning], name: str, words: str | None, unit: str, absent: str | None
) -> None:
    """What it is of, how the number is written, what a gap says."""
    told = known[name]
    assert words in (None, told.words)
    assert told.unit == unit
    assert absent in (None, told.absent)


def test_remarks_are_left_out(toy: DataSet) -> None:
    """What a data set adds after a semicolon is for its reader, not for a customer's."""
    age = toy.profile["age"].model_copy(update={"meaning": "age; as typed in"})
    told = meanings(toy.model_copy(update={"profile": {**toy.profile, "age": age}}))
    assert told["profile_age"].words == "Age"
