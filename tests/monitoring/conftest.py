"""One home with three real versions, made once and copied: a fresh MLflow store takes seconds."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.home import Home, open_home
from lifecycle.registry import Registry

with warnings.catch_warnings():
    # MLflow warns of its own type hints while it is imported
    warnings.simplefilter("ignore")
    from tests.monitoring.world import TOML, Story, tell, train

LIBRARIES_WARN = (
    # MLflow 3.17 maps its tables by a SQLAlchemy loader that 2.1 calls by another name
    "ignore:The ``noload`` loader strategy is deprecated",
    "ignore:.*Any type hint is inferred as AnyType",
    "ignore:.*type hint.*:UserWarning",
)

Tell = Callable[..., Home]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings of the libraries themselves, raised wherever MLflow's store or loader is used."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warning in LIBRARIES_WARN:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Versions 1 and 3 are right, 2 learnt the opposite; all were approved with a like AUC."""
    home = open_home(tmp_path_factory.mktemp("trained"))
    home.dataset_file.write_text(TOML)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(home, seed=1)
        train(home, seed=1, wrong=True)
        train(home, seed=7)
    return home


@pytest.fixture
def unserved(_trained: Home, tmp_path: Path) -> Home:
    """Three versions and no champion; nothing has happened."""
    home = open_home(tmp_path / "home")
    shutil.copytree(_trained.root, home.root)
    return home


@pytest.fixture
def told(unserved: Home) -> Tell:
    """Tells a story into the home and hands it back, with version 1 serving unless said."""

    def tell_it(story: Story, champion: int = 1, previous: int | None = None) -> Home:
        registry = Registry(unserved)
        registry.point("champion", registry.version("churn", champion))
        if previous is not None:
            registry.point("previous", registry.version("churn", previous))
        numbers = (previous or champion, champion)
        tell(unserved, story, tuple(registry.version("churn", number) for number in numbers))
        return unserved

    return tell_it
