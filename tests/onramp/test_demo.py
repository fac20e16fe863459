"""The demo plays the whole loop, and never over somebody's work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lifecycle.errors import UsageError
from lifecycle.home import open_home
from onramp.story import MARK, fresh_home
from tests.newcomer import shell


def test_a_home_with_work_is_left_alone(tmp_path: Path) -> None:
    """A folder that no demo made is refused, untouched."""
    (tmp_path / "ingest.db").write_text("mine")
    with pytest.raises(UsageError, match="holds work that is not a demo's"):
        fresh_home(open_home(tmp_path))
    assert (tmp_path / "ingest.db").read_text() == "mine"


def test_an_earlier_demo_is_put_aside(tmp_path: Path) -> None:
    """The demo starts afresh, and what the last one made can still be looked at."""
    home = open_home(tmp_path / "home")
    fresh_home(home)
    (home.root / "mlflow.db").write_text("earlier")
    fresh_home(home)
    assert [path.name for path in home.root.iterdir()] == [MARK]
    assert (tmp_path / "home.before-1" / "mlflow.db").read_text() == "earlier"


def test_the_demo_plays_the_whole_loop(tmp_path: Path) -> None:
    """Small, but every stage: learned, promoted, asked, watched, retrained, told as JSON."""
    done = shell("onramp demo --customers 4000 --trials 3 --json", tmp_path)
    assert done.code == 0, done.errors
    story = json.loads(done.output)
    assert set(story["trained"]) == {"churn", "preference"}
    assert {report["decision"] for report in story["promoted"]} == {"promote"}
    assert all(Path(report["report_html"]).exists() for report in story["monitored"])
    # The world did change. So few customers give preference too few labels a window to say so;
    # every moment has a churn label, and those must have shown it.
    verdicts = {(report["task"], report["verdict"]) for report in story["monitored"]}
    assert ("churn", "retrain") in verdicts
    assert ("preference", "ignore") not in verdicts
    outcomes = {report["task"]: report["outcome"] for report in story["retrained"]}
    assert outcomes["churn"] in {"promoted", "refused"}


def test_a_data_set_of_files_needs_its_folder(tmp_path: Path) -> None:
    """What is missing is said before anything is made or put aside."""
    done = shell("onramp demo --data online_retail", tmp_path)
    assert done.code == 2
    assert "online_retail is read from files. Name their folder: `--from FOLDER`." in done.errors
    assert list(tmp_path.iterdir()) == []
