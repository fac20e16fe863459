"""Behaviour segments are made of what a data set can carry, each side of behaviour as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.catalogue import catalogue
from lifecycle.dataset import read_dataset
from segments.behaviour_choice import CHOICES, choose

DATASETS = sorted((Path(__file__).resolve().parents[2] / "datasets").glob("*.toml"))


@pytest.mark.parametrize("path", DATASETS, ids=lambda path: path.stem)
def test_every_shipped_data_set_shows_some_sides(path: Path) -> None:
    """At least activity, recency, variety and value, and each feature once."""
    chosen = choose(catalogue(read_dataset(path)))
    assert {"activity", "recency", "variety", "value"} <= {one.side for one in chosen}
    names = [one.feature.name for one in chosen]
    assert len(set(names)) == len(names)


def test_what_is_lacking_is_left_out() -> None:
    """A shop without content and sessions has no feature of these sides."""
    shop = next(path for path in DATASETS if path.stem == "online_retail")
    chosen = choose(catalogue(read_dataset(shop)))
    assert {one.side for one in chosen}.isdisjoint({"content", "visits"})


def test_words_name_the_part() -> None:
    """A share speaks of its content, a sum of its property."""
    simulated = next(path for path in DATASETS if path.stem == "simulated")
    words = {one.feature.name: one.high for one in choose(catalogue(read_dataset(simulated)))}
    assert words["share_live_session_30d"] == "live session"
    assert words["value_sum_30d"] == "high value"


def test_every_choice_can_be_carried() -> None:
    """No pattern names what no data set has: it would be a rule that does nothing."""
    features = [one for path in DATASETS for one in catalogue(read_dataset(path))]
    assert [c.pattern for c in CHOICES if not choose(features, [c])] == []
