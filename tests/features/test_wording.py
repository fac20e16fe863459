from __future__ import annotations

import pytest

from features.catalogue import catalogue
from features.feature import Derived, Feature
from features.wording import bounds, computed, empty, listed, window
from lifecycle.dataset import DataSet


@pytest.fixture
def known(toy: DataSet) -> dict[str, Feature]:
    return {feature.name: feature for feature in catalogue(toy)}


def test_every_feature_has_words(known: dict[str, Feature]) -> None:
    """No aggregate of the catalogue is without a sentence, and a window names its days."""
    for feature in known.values():
        said = computed(feature)
        assert said
        assert feature.window_days is None or f"{feature.window_days} day" in said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "count_login_7d",
            "count of login; of events in the 7 days before the moment, received by it",
        ),
        (
            "days_since_last_buy",
            (
                "days from the last of buy to the moment; of events since sign-up,"
                " received by the moment"
            ),
        ),
        (
            "share_video_30d",
            (
                "count of share_video, view_video over count of view_article, share_video,"
                " view_video; of events in the 30 days before the moment, received by it"
            ),
        ),
        (
            "profile_age",
            "the profile column age, in the version received last by the moment",
        ),
    ],
)
def test_a_feature_is_said_in_one_sentence(
    name: str, words: str, known: dict[str, Feature]
) -> None:
    """What, of which events, and until when they had to be known."""
    assert computed(known[name]) == words


def test_what_a_reader_asks_of_a_feature(known: dict[str, Feature]) -> None:
    """Window, bounds and the value where nothing happened."""
    age, share = known["profile_age"], known["share_video_7d"]
    assert (window(age), bounds(age), empty(age)) == ("at the moment", "0 … 120", "missing")
    assert (window(share), bounds(share)) == ("7 d", "0 … 1")
    assert empty(known["events_1d"]) == "0"


def test_a_segment_is_said_by_its_expression() -> None:
    """What is computed of other features says of which."""
    one = Feature(
        name="segment_x", type="number", aggregate=Derived("events_7d > 5"),
        meaning="busy", view="customer_segments",
    )  # fmt: skip
    assert computed(one) == "events_7d > 5, of the other features of the moment"


def test_many_words_are_counted() -> None:
    """Five are listed, of more the first four."""
    assert listed("abcde") == "a, b, c, d, e"
    assert listed("abcdef") == "a, b, c, d and 2 more"
