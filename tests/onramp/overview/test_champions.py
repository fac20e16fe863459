"""onramp.overview.champions: a registry that cannot be asked is said at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lifecycle.errors import DataError
from lifecycle.home import open_home
from onramp.overview.champions import Serving, serving, there


def test_before_mlflow_nobody_serves(tmp_path: Path) -> None:
    """And asking makes no database."""
    home = open_home(tmp_path / "home")
    assert serving(home, ["churn"]) == {"churn": Serving()}
    assert not home.root.exists()


def test_a_database_that_is_none_is_no_registry(tmp_path: Path) -> None:
    """MLflow's own client would try it for minutes."""
    home = open_home(tmp_path / "home")
    home.root.mkdir()
    (home.root / "mlflow.db").write_bytes(b"no such thing, at some length" * 200)
    with pytest.raises(DataError, match="damaged"):
        serving(home, ["churn"])


def test_a_server_that_does_not_answer_is_said(tmp_path: Path) -> None:
    """The address stays out of the words, for it may hold a password."""
    home = replace(open_home(tmp_path / "home"), tracking_uri="http://ann:secret@127.0.0.1:9")
    with pytest.raises(DataError, match="does not answer") as raised:
        serving(home, ["churn"])
    assert "secret" not in str(raised.value)
    assert there(replace(home, tracking_uri="postgresql://nobody@127.0.0.1:9/mlflow"))
