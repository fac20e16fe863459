from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from features.catalogue import catalogue, select
from features.feature import Feature
from lifecycle.dataset import DataSet, read_dataset
from lifecycle.errors import DataError, UnknownName
from tests.features.canonical import TOML

DATASETS = sorted((Path(__file__).resolve().parents[2] / "datasets").glob("*.toml"))


def dataset(old: str = "", new: str = "") -> DataSet:
    assert old in TOML
    return DataSet.model_validate(tomllib.loads(TOML.replace(old, new)))


def names(features: tuple[Feature, ...]) -> list[str]:
    return [feature.name for feature in features]


def test_a_toy_data_set_has_more_than_thirty_features() -> None:
    """Counts, rhythm, key actions, variety, sessions, values, shares and profile are all there."""
    found = names(catalogue(dataset()))
    assert len(found) == len(set(found)) > 30
    assert {
        "count_login_1d", "events_7d", "active_days_30d", "events_per_day_7d",
        "days_since_last_activity", "trend_7d", "engagement_score_7d", "key_actions_7d",
        "hours_to_first_key_action", "distinct_events_7d", "distinct_content_30d",
        "distinct_item_7d", "sessions_7d", "session_minutes_mean_7d", "value_sum_30d",
        "value_mean_30d", "share_article_7d", "days_since_sign_up", "profile_country",
    } <= set(found)  # fmt: skip


@pytest.mark.parametrize("path", DATASETS, ids=lambda path: path.stem)
def test_each_shipped_data_set_carries_at_least_thirty(path: Path) -> None:
    """Every data set that ships has a catalogue without clashes, of thirty features or more."""
    assert len(catalogue(read_dataset(path))) >= 30


def test_the_catalogue_is_a_pure_function() -> None:
    """The same data set gives the same features in the same order."""
    assert catalogue(dataset()) == catalogue(dataset())


@pytest.mark.parametrize(
    ("line", "gone"),
    [
        ('session_id = { type = "category", meaning = "the session" }\n', "session"),
        ('value = { type = "number", meaning = "the amount paid", unit = "EUR" }\n', "value_"),
        ('item = { type = "category", meaning = "the item" }\n', "distinct_item"),
        ('key_actions = ["buy", "share_video"]\n', "key_action"),
        ('country = { type = "category", meaning = "the country" }\n', "profile_country"),
    ],
)
def test_a_feature_whose_words_are_lacking_is_left_out(line: str, gone: str) -> None:
    """Without the column or the event there is no such feature, and no error."""
    assert any(gone in name for name in names(catalogue(dataset())))
    assert not any(gone in name for name in names(catalogue(dataset(line))))


def test_a_leaking_column_can_be_no_feature() -> None:
    """A column declared as leaking is refused, named with its reason, even past the TOML check."""
    leaky = dataset().model_copy(update={"leaks": {"country": "set when the customer leaves"}})
    with pytest.raises(DataError) as caught:
        catalogue(leaky)
    assert str(caught.value) == (
        "The feature 'profile_country' of 'toy' would leak. It is made of 'country': set when the "
        "customer leaves Take 'country' out of the data set's vocabulary, properties and profile."
    )


def test_two_words_that_give_one_name_are_refused() -> None:
    """`view video` beside `view_video` would be one column: the error names both."""
    with pytest.raises(DataError, match=r"named 'count_view_video_1d'.*view_video and of view-vid"):
        catalogue(dataset('"ping"]', '"ping", "view-video"]'))


@pytest.mark.parametrize("name", ["country_y", "ж"])
def test_a_name_that_feast_would_lose_is_refused(name: str) -> None:
    """Feast drops columns that end in _y from its join, and a name needs a letter."""
    with pytest.raises(DataError, match=r"No feature can be named"):
        catalogue(dataset("country =", f'"{name}" ='))


def test_patterns_choose_in_catalogue_order() -> None:
    """Patterns are those of a shell; their order does not matter."""
    chosen = names(select(("profile_*", "count_*_1d"), catalogue(dataset())))
    assert chosen[0] == "count_login_1d"
    assert chosen[-1] == "profile_newsletter"
    assert all(name.startswith(("profile_", "count_")) for name in chosen)


def test_a_pattern_that_names_nothing_is_an_error() -> None:
    """A misspelt feature gets the nearest name."""
    with pytest.raises(UnknownName, match=r"No feature named 'event_7d'.*Did you mean 'events_7d'"):
        select(("event_7d",), catalogue(dataset()))


def test_numbers_without_limits_have_finite_bounds_where_the_meaning_gives_them() -> None:
    """Shares lie in 0 to 1, trends in -1 to 1, counts start at 0."""
    bounds = {f.name: (f.at_least, f.at_most) for f in catalogue(dataset())}
    assert bounds["share_video_7d"] == (0.0, 1.0)
    assert bounds["trend_1d"] == (-1.0, 1.0)
    assert bounds["count_buy_7d"] == (0.0, None)
    assert bounds["profile_age"] == (0.0, 120.0)
    assert bounds["profile_newsletter"] == (0.0, 1.0)
