"""`onramp history`: who decided what, and whether somebody changed the record since."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lifecycle.home import Home, open_home
from lifecycle.ledger import Entry, Ledger
from onramp.cli import run
from onramp.verbs.history import versions

FINDING = {"rule": "roc_auc ≥ 0.75", "outcome": "failed", "words": "roc_auc is 0.7100."}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A promotion, a refusal, a rollback and a watch."""
    home = open_home(tmp_path / "home")
    for entry in (
        Entry(actor="job 1f9c", task="churn", decision="promote", why="all passed", version="1"),
        Entry(actor="ada", task="churn", decision="refuse", why="too weak " * 20, version="2",
              previous="1", evidence={"findings": [FINDING], "measured": {"rows": 7}}),
        Entry(actor="monitor", task="preference", decision="watch", why="a shift",
              evidence={"job": "8a", "mlflow_run": None}),
        Entry(actor="bob", task="churn", decision="roll back", why="complaints", version="1",
              previous="3", at="2020-01-01T00:00:00+00:00"),
    ):  # fmt: skip
        Ledger(home).append(entry)
    return home


def said(home: Home, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert run(["history", "--home", str(home.root), *words]) == code
    return capsys.readouterr().out


def test_newest_first_with_from_and_to(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order they were taken, whatever the clock said; long reasons are cut."""
    lines = said(home, capsys, "churn").splitlines()
    assert lines[0] == "   4  2020-01-01T00:00:00+00:00  churn  roll back  3 → 1  (bob)"
    assert lines[1].strip() == "complaints"
    assert lines[2].endswith("churn  refuse  2 beside 1  (ada)")
    assert lines[3].endswith(" …")
    assert lines[4].endswith("churn  promote  – → 1  (job 1f9c)")
    assert len(lines) == 6


def test_a_verdict_that_asks_for_a_rollback_is_none() -> None:
    """Monitoring's words are those of a move, and its row is about the champion itself."""
    row = Entry(actor="monitor", task="churn", decision="roll back", why="worse", version="3")
    assert versions(row) == "  3"
    assert versions(replace(row, actor="bob", previous="4")) == "  4 → 3"


def test_why_in_full(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """With --why the whole reason, every finding, and what else is known."""
    text = said(home, capsys, "--why", "--newest", "3")
    assert "too weak " * 19 in text
    assert "failed: roc_auc ≥ 0.75. roc_auc is 0.7100." in text
    assert "job: 8a" in text
    assert "promote" not in text


def test_json_has_everything(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """Evidence and chain included."""
    found = json.loads(said(home, capsys, "churn", "--json", "--newest", "2"))["decisions"]
    assert [row["number"] for row in found] == [4, 2]
    assert found[1]["evidence"]["measured"] == {"rows": 7}
    assert found[0]["previous"] == "3"
    assert len(found[0]["hash"]) == 64


def test_verify_says_whole_or_names_the_row(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """0 and the newest hash, or 3 and the row's number; in words and in JSON."""
    newest = Ledger(home).read(newest=1)[0].hash
    assert f"whole: 4 rows, the newest with hash {newest}" in said(home, capsys, "--verify")
    with closing(sqlite3.connect(home.platform)) as db:
        db.executescript(
            "DROP TRIGGER ledger_keeps_values; UPDATE ledger SET actor = 'eve' WHERE number = 2"
        )
    text = said(home, capsys, "--verify", code=3)
    assert "row 2: its values are not those its hash was made of" in text
    report = json.loads(said(home, capsys, "--verify", "--json", code=3))
    assert (report["whole"], [one["number"] for one in report["broken"]]) == (False, [2])


def test_nothing_was_decided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty home is no error, and stays empty."""
    home = open_home(tmp_path / "new")
    assert said(home, capsys) == "No decision was taken yet.\n"
    assert said(home, capsys, "--verify").startswith("The ledger is whole: 0 rows")
    assert not home.root.exists()


def test_a_misspelt_task_is_named(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """A task that nobody has is no empty history."""
    assert run(["history", "chrun", "--home", str(home.root)]) == 2
    assert "Did you mean 'churn'?" in capsys.readouterr().err
