"""One training for every test of promotion, copied for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lifecycle.home import Home
from tests.training.promotion.doomed import Doomed
from tests.training.promotion.world import hang_up, make_world, put_back


@pytest.fixture(scope="session")
def original(new_home: Callable[[str], Home]) -> Home:
    """Made once; nobody changes it."""
    home = make_world(new_home("original"))
    hang_up(home)
    return home


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each test finds its world."""
    return tmp_path_factory.mktemp("worlds") / "world"


@pytest.fixture
def world(original: Home, place: Path) -> Home:
    """Version 1 serves, 2 is the challenger, 3 is there; the clock has been set back since."""
    return put_back(original, place)


@pytest.fixture(scope="module")
def doomed() -> Iterator[Doomed]:
    """A process that does as it is told and dies where it is told."""
    process = Doomed()
    yield process
    process.close()
