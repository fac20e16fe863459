"""Homes with real champions, made once and copied: a fresh MLflow store takes seconds."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lifecycle.home import Home, open_home
from lifecycle.registry import Registry

with warnings.catch_warnings():
    # MLflow warns of its own type hints while it is imported, Starlette of a coming httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

    from tests.serving.fed import Fed, feed
    from tests.serving.forge import Recipe, forge

__all__ = ["Forged", "TestClient"]

LIBRARIES_WARN = (
    # MLflow 3.17 maps its tables by a SQLAlchemy loader that 2.1 calls by another name
    "ignore:The ``noload`` loader strategy is deprecated",
    "ignore:.*Any type hint is inferred as AnyType",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings of the libraries themselves, raised wherever MLflow's store or loader is used."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warning in LIBRARIES_WARN:
                item.add_marker(pytest.mark.filterwarnings(warning))


TOML = """
name = "toy"
title = "A toy"
source = "made up"

[vocabulary]
events = ["login", "view_article", "view_video", "do_lesson"]

[vocabulary.content]
view_article = "article"
view_video = "video"
do_lesson = "lesson"
"""


@dataclass(frozen=True)
class Forged:
    """A home in which churn has versions 1 to 3 (3 lies about its records), preference one."""

    home: Home

    def promote(self, task: str, number: int) -> None:
        registry = Registry(self.home)
        registry.point("champion", registry.version(task, number))

    def copy(self, folder: Path) -> Forged:
        """The same home elsewhere, to be changed at will."""
        home = open_home(folder / "home")
        shutil.copytree(self.home.root, home.root)
        return Forged(home)


@pytest.fixture(scope="session")
def _forged(tmp_path_factory: pytest.TempPathFactory) -> Forged:
    home = open_home(tmp_path_factory.mktemp("forged"))
    home.dataset_file.write_text(TOML)
    forge(home, Recipe(task="churn", seed=1))
    forge(home, Recipe(task="churn", seed=2))
    forge(home, Recipe(task="churn", seed=3, wrong_record=True))
    forge(home, Recipe(task="preference", kind="multiclass", seed=4))
    return Forged(home)


@pytest.fixture
def bare(_forged: Forged, tmp_path: Path) -> Forged:
    """Versions, and no champion of either task."""
    return _forged.copy(tmp_path)


@pytest.fixture
def forged(bare: Forged) -> Forged:
    """The first version of each task is champion."""
    bare.promote("churn", 1)
    bare.promote("preference", 1)
    return bare


@pytest.fixture(autouse=True)
def _serving_environment() -> Iterator[None]:
    """MLflow's app marks the process as a serving one; other tests are not."""
    mark = "_MLFLOW_IS_IN_SERVING_ENVIRONMENT"
    before = os.environ.get(mark)
    yield
    if before is None:
        os.environ.pop(mark, None)
    else:
        os.environ[mark] = before


@pytest.fixture(scope="session")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Fed:
    """Read only: tests that write take a copy of its prediction log elsewhere."""
    return feed(tmp_path_factory.mktemp("fed") / "home")
