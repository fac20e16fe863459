"""monitoring.folders: what a killed look leaves is cleared away; one process looks at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.errors import Busy
from lifecycle.home import Home, open_home
from monitoring.folders import WINDOW_JSON, looking, unfinished
from monitoring.monitor import monitor
from tests.monitoring.conftest import Tell
from tests.monitoring.world import CHURN, NOW, Story


def left(home: Home, name: str, file: str = "report.html") -> Path:
    folder = home.reports / "churn" / name
    folder.mkdir(parents=True)
    (folder / file).write_text("{}")
    return folder


def test_what_a_killed_look_left_is_cleared_away(tmp_path: Path) -> None:
    """Windows without their file, and nothing else that lies there."""
    home = open_home(tmp_path / "home")
    killed = left(home, "2026-04-06T000000Z")
    kept = [left(home, "2026-03-30T000000Z", WINDOW_JSON), left(home, "notes"),
            left(home, NOW.strftime("%Y-%m-%dT%H%M%SZ"))]  # fmt: skip
    (home.reports / "churn" / "profile.html").touch()
    assert set(unfinished(home.reports / "churn")) == {killed, kept[-1]}
    with looking(home, "churn", NOW) as folder:
        assert folder == kept[-1]
    assert not killed.exists()
    assert all(folder.is_dir() for folder in kept)


def test_one_process_looks_at_a_task(tmp_path: Path) -> None:
    """What another is drawing is never cleared away; another task is nobody's."""
    home = open_home(tmp_path / "home")
    with looking(home, "churn", NOW), looking(home, "preference", NOW):
        drawing = left(home, "2026-04-06T000000Z")
        with pytest.raises(Busy, match="A look at churn is under way"), looking(home, "churn", NOW):
            pass
        assert drawing.is_dir()


def test_a_window_whose_look_was_killed_is_finished(told: Tell) -> None:
    """The next look at it writes its file; an older one that was never finished is gone."""
    home = told(Story())
    own = left(home, NOW.strftime("%Y-%m-%dT%H%M%SZ"))
    older = left(home, "2026-04-06T000000Z")
    found = monitor(home, CHURN, as_of=NOW, report=False)
    assert found.window_json == own / WINDOW_JSON
    assert (found.window_json.exists(), older.exists()) == (True, False)
