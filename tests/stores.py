"""A home on either kind of stores, each with servers' room of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from lifecycle.home import Home, open_home
from tests.postgres import fresh_database

PROFILE = Path(__file__).resolve().parents[1] / "deploy/postgres-redis/feature_store.yaml"
KINDS = ("embedded", "postgres-redis")

_numbers = count()
REDIS_DATABASES = 16


@dataclass(frozen=True)
class Place:
    """A home and the variables that name its servers."""

    home: Home
    env: Mapping[str, str]


def place(kind: str, root: Path, request: pytest.FixtureRequest) -> Place:
    """A home whose stores are its own: files, or a new database and an empty part of Redis."""
    if kind == "embedded":
        return Place(open_home(root), {})
    n = next(_numbers)
    database = fresh_database(request.getfixturevalue("postgres"), f"home {n}")
    address = request.getfixturevalue("redis")
    assert n < REDIS_DATABASES, "every home of the tests needs a part of Redis of its own"
    redis = {"REDIS_CONNECTION": f"{address},db={n}"}
    return Place(open_home(root, stores=PROFILE), {**database, **redis})
