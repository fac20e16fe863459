"""Homes with a toy data set, built once a session; servers for what is tried on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from features.build import BuildReport, build
from lifecycle.dataset import DataSet
from lifecycle.home import Home
from tests.features.canonical import AS_OF, DAYS, START, Log, alive, days, fill, random_log, settle
from tests.features.online_world import REDIS, SQLITE, World, make_world
from tests.postgres import Env, postgres_server
from tests.servers import redis_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Env]:
    """A PostgreSQL server of this session: the variables that name it."""
    with postgres_server() as env:
        yield env


@pytest.fixture(scope="session")
def redis() -> Iterator[str]:
    """A Redis server of this session: its address."""
    with redis_server() as address:
        yield address


@pytest.fixture(scope="session")
def own_redis() -> Iterator[str]:
    """Another one, whose numbered databases the tests of the online store empty as they like."""
    with redis_server() as address:
        yield address


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


@pytest.fixture(scope="module", params=("sqlite", "redis"))
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Two views over one of our stores; each test takes customers of its own."""
    root = tmp_path_factory.mktemp("world") / "shop"
    if request.param == "sqlite":
        yield make_world(root, {"type": SQLITE, "path": str(root / "online.db")})
    else:
        address = request.getfixturevalue("own_redis")
        yield make_world(root, {"type": REDIS, "connection_string": f"{address},db=0"})
