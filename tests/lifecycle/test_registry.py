"""The registry: versions with their aliases, folders that appear whole, names that are known."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

with warnings.catch_warnings():
    # MLflow warns of its own type hints while it is imported
    warnings.simplefilter("ignore")
    from mlflow.entities import LoggedModelStatus

    from lifecycle import tracking
    from lifecycle.errors import NotReady, UnknownName
    from lifecycle.home import Home, open_home
    from lifecycle.registry import Registry

# MLflow 3.17 maps its tables by a SQLAlchemy loader that 2.1 calls by another name
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two versions of `churn`, each a folder with one file."""
    home = open_home(tmp_path_factory.mktemp("registry") / "home")
    for number in (1, 2):
        with tracking.run(home, "churn", "run", {}) as log:
            model = log.client.create_logged_model(
                log.experiment_id, name="churn", source_run_id=log.run_id
            )
            files = home.root / f"files{number}"
            files.mkdir()
            (files / "MLmodel").write_text(f"version {number}")
            log.client.log_model_artifacts(model.model_id, str(files))
            log.client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        Registry(home).register("churn", f"models:/{model.model_id}", {"n": str(number)})
    return home


def test_versions_come_newest_first(home: Home) -> None:
    """With numbers, tags and what can be asked of MLflow by URI."""
    found = Registry(home).versions("churn")
    assert [(v.number, v.tags["n"], v.uri) for v in found] == [
        (2, "2", "models:/churn/2"), (1, "1", "models:/churn/1"),
    ]  # fmt: skip
    assert Registry(home).versions("nobody") == ()


def test_aliases_move_and_can_be_dropped(home: Home) -> None:
    """An alias has one holder; dropping what nobody holds is no error."""
    registry = Registry(home)
    one, two = registry.version("churn", 1), registry.version("churn", 2)
    registry.point("challenger", one)
    registry.point("challenger", two)
    assert registry.version("churn", 2).aliases == ("challenger",)
    assert registry.version("churn", 1).aliases == ()
    registry.drop("challenger", "churn")
    registry.drop("challenger", "churn")
    assert registry.holder("churn", "challenger") is None


def test_no_champion_says_what_to_do(home: Home) -> None:
    """The error names the two commands."""
    with pytest.raises(NotReady, match=r"No champion for churn.*onramp train churn"):
        Registry(home).champion("churn")


def test_an_unknown_version_lists_the_known(home: Home) -> None:
    """A number that nothing has."""
    with pytest.raises(UnknownName, match=r"No version of churn named '7'.*1, 2"):
        Registry(home).version("churn", 7)


def test_a_folder_is_fetched_once_and_whole(home: Home) -> None:
    """The local copy has the version's files, and no unfinished one is left beside it."""
    registry = Registry(home)
    version = registry.version("churn", 2)
    folder = registry.folder(version)
    assert (folder / "MLmodel").read_text() == "version 2"
    assert registry.folder(registry.version("churn", 2)) == folder
    assert [p.name for p in folder.parent.iterdir()] == [f"2-{version.run_id[:12]}"]
    assert folder.parent == home.models / "churn"


def test_another_mlflow_has_other_folders(home: Home, tmp_path: Path) -> None:
    """Version 1 of another MLflow is fetched, and never the copy of the first one's version 1."""
    registry = Registry(home)
    first = registry.folder(registry.version("churn", 1))
    elsewhere = open_home(home.root, f"sqlite:///{tmp_path / 'other.db'}")
    with tracking.run(elsewhere, "churn", "run", {}) as log:
        model = log.client.create_logged_model(
            log.experiment_id, name="churn", source_run_id=log.run_id
        )
        (tmp_path / "MLmodel").write_text("another version 1")
        log.client.log_model_artifact(model.model_id, str(tmp_path / "MLmodel"))
        log.client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    other = Registry(elsewhere)
    other.register("churn", f"models:/{model.model_id}", {})
    fetched = other.folder(other.version("churn", 1))
    assert fetched != first
    assert (fetched / "MLmodel").read_text() == "another version 1"


def test_words_and_tags_are_kept(home: Home) -> None:
    """Description and tags stand on MLflow's page."""
    registry = Registry(home)
    version = registry.version("churn", 1)
    registry.describe(version, "**good**")
    registry.tag(version, {"verdict": "promote"})
    assert registry.client.get_model_version("churn", "1").description == "**good**"
    assert registry.version("churn", 1).tags["verdict"] == "promote"
