"""The verbs that move the champion, as a person types them: words, JSON and exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lifecycle.home import Home
from onramp.cli import run
from onramp.options import Place
from onramp.verbs.status import attention, standing
from tests.training.promotion.world import agree, asked, took_over

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def home(world: Home) -> Home:
    """The world, as one of the simulated data set."""
    shutil.copy(ROOT / "datasets" / "simulated.toml", world.dataset_file)
    return world


def answer(home: Home, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = run([*words, "--home", str(home.root), "--actor", "ann", "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_roll_back(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """0 and who serves now; where there is nobody before, 4 and what to do."""
    code, error = answer(home, capsys, "rollback", "churn")
    assert (code, error["exit_code"]) == (4, 4)
    took_over(home)
    code, report = answer(home, capsys, "rollback", "churn", "--because", "complaints")
    assert (code, report["version"], report["previous"]) == (0, 1, 2)
    code, found = answer(home, capsys, "history", "churn", "--newest", "1")
    (row,) = found["decisions"]
    assert (code, row["actor"], row["why"]) == (0, "ann", "complaints")


def test_approve(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """0, and the card tells of it; a second time, and another version, await nothing."""
    asked(home)
    code, report = answer(home, capsys, "approve", "churn")
    assert (code, report["changed"], report["notes"]) == (0, True, [])
    assert agree(home) == (2, 1, None)
    assert answer(home, capsys, "approve", "churn", "--version", "3")[0] == 4


def test_reject(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """0 with a reason, 2 without one."""
    asked(home)
    assert run(["reject", "churn", "--home", str(home.root)]) == 2
    capsys.readouterr()
    code, report = answer(home, capsys, "reject", "churn", "--because", "too soon")
    assert (code, report["version"], report["champion"]) == (0, 2, 1)


def test_status_says_what_waits(home: Home) -> None:
    """A person reads what they are waited for, and what to type."""
    asked(home)
    place = Place(home=home, actor="ann", host="", port=0, as_json=False)
    (line, empty) = attention([standing(place, "churn")])
    assert line.startswith("churn version 2 awaits approval: `onramp approve churn --version 2`")
    assert empty == ""
