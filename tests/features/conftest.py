"""Homes with a toy data set, built once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.build import BuildReport, build
from lifecycle.dataset import DataSet
from lifecycle.home import Home
from tests.features.canonical import AS_OF, DAYS, START, Log, alive, days, fill, random_log, settle


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of the toy data set, empty."""
    return settle(tmp_path / "home")


@pytest.fixture
def toy(home: Home) -> DataSet:
    return home.dataset()


@pytest.fixture(scope="session")
def log() -> Log:
    """60 customers and what they did; each day something is received."""
    customers, events = random_log(seed=1, customers=60)
    return customers, [*events, *(alive(START + days(n)) for n in range(76))]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, log: Log) -> tuple[Home, BuildReport]:
    """A home with the log, built until AS_OF. To be read only."""
    home = settle(tmp_path_factory.mktemp("built"))
    fill(home, *log)
    return home, build(home, moments_days=DAYS, as_of=AS_OF)
