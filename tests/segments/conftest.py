"""A toy home with segments, built once; and the words of the toy data set."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from features.build import build
from lifecycle.dataset import DataSet, read_dataset
from lifecycle.home import Home, open_home
from segments.build import SegmentReport, build_segments
from segments.words import Words, words_of
from tests.features.canonical import (
    AS_OF,
    DAYS,
    START,
    TOML,
    alive,
    days,
    fill,
    random_log,
    settle,
)

WORDS = {"session_count": "sessions_since_sign_up", "feature_usage_score": "engagement_score_7d"}


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """The toy data set."""
    path = tmp_path_factory.mktemp("toy") / "toy.toml"
    path.write_text(TOML, encoding="utf-8")
    return read_dataset(path)


@pytest.fixture(scope="session")
def words(toy: DataSet) -> Words:
    return words_of(toy, [WORDS])


def featured(root: Path, customers: int = 60) -> Home:
    """A home with features until AS_OF and no segments."""
    home = settle(root)
    people, happened = random_log(seed=1, customers=customers)
    fill(home, people, [*happened, *(alive(START + days(n)) for n in range(76))])
    build(home, moments_days=DAYS, as_of=AS_OF)
    return home


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, SegmentReport]:
    """A home with features and segments. To be read only."""
    home = featured(tmp_path_factory.mktemp("told"))
    return home, build_segments(home, as_of=AS_OF)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A small home with features. To be copied only."""
    return featured(tmp_path_factory.mktemp("small") / "home", customers=12)


@pytest.fixture
def home(small: Home, tmp_path: Path) -> Home:
    """A small home with features, to be changed."""
    shutil.copytree(small.root, tmp_path / "home")
    return open_home(tmp_path / "home")
