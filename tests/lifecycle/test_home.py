"""Everything embedded lies in one folder, and nothing is made before it is needed."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from lifecycle.errors import NotReady, UsageError
from lifecycle.home import Home, open_home


def test_opening_makes_nothing(tmp_path: Path) -> None:
    """A home can be named before it is there."""
    home = open_home(tmp_path / "home")
    assert not home.root.exists()
    assert home.root.is_absolute()


def test_every_path_lies_below_the_root(tmp_path: Path) -> None:
    """Delete the one folder and all is gone: no store lies elsewhere."""
    home = open_home(tmp_path / "home")
    own = {field.name for field in fields(Home)}
    names = [name for name, value in vars(Home).items() if isinstance(value, property)]
    paths = [getattr(home, name) for name in names if name not in own]
    assert len(paths) == len(set(paths)) > 10
    assert all(home.root in path.parents for path in paths)


def test_mlflow_is_embedded_unless_said(tmp_path: Path) -> None:
    """Without an address MLflow is a file in the home; with one it is that."""
    assert open_home(tmp_path).tracking_uri == f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert open_home(tmp_path, "http://mlflow:5000").tracking_uri == "http://mlflow:5000"


def test_a_file_is_no_home(tmp_path: Path) -> None:
    """A file in the home's place is refused with what to do."""
    (tmp_path / "home").write_text("")
    with pytest.raises(UsageError, match=r"cannot be a home. It is a file. Name a folder in ONR"):
        open_home(tmp_path / "home")


def test_a_home_without_data(tmp_path: Path) -> None:
    """Before anything was ingested the error names the verbs that come first."""
    with pytest.raises(NotReady, match=r"Run `onramp simulate` and `onramp ingest`"):
        open_home(tmp_path).dataset()


def test_stores_are_embedded_unless_said(tmp_path: Path) -> None:
    """Without a configuration the stores are files in the home; with one, that decides."""
    (tmp_path / "stores.yaml").write_text("")
    assert open_home(tmp_path).stores is None
    named = open_home(tmp_path, stores=tmp_path / "." / "stores.yaml")
    assert named.stores == (tmp_path / "stores.yaml").resolve()


def test_stores_that_are_not_there_are_refused(tmp_path: Path) -> None:
    """A misspelt path is an error before anything is done, not a silent default."""
    with pytest.raises(UsageError, match=r"No Feast configuration .*sotres.yaml.*ONRAMP_STORES"):
        open_home(tmp_path, stores=tmp_path / "sotres.yaml")
