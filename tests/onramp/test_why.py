"""`onramp monitor --why`: the last verdict, rule by rule, from what was written then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lifecycle.errors import NotReady
from lifecycle.home import Home, open_home
from lifecycle.ledger import Entry, Ledger
from onramp.cli import run
from onramp.why import why

TOML = """
name = "toy"
title = "A toy"
source = "made up"
clock = "data"

[vocabulary]
events = ["login"]
"""
RULES = [
    {"rule": "too few rows", "outcome": "insufficient data", "applies": False, "decides": False,
     "numbers": "900 answered, 300 needed", "words": ""},
    {"rule": "decay", "outcome": "retrain", "applies": True, "decides": True,
     "numbers": "2 of 3 windows fell short", "words": "2 of the last 3 windows fell short."},
    {"rule": "drift", "outcome": "watch", "applies": True, "decides": False,
     "numbers": "1 of 9 drifted", "words": "x moved."},
]  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = open_home(tmp_path / "home")
    home.root.mkdir()
    home.dataset_file.write_text(TOML)
    return home


def looked(home: Home, week: int, decision: str, stored: object) -> Path:
    """A window's file and its row in the ledger."""
    file = home.root / f"window-{week}.json"
    if stored is not None:
        file.write_text(json.dumps(stored))
    Ledger(home).append(
        Entry(actor="monitor", task="churn", decision=decision, why="", version="4",
              evidence={"as_of": f"2026-06-0{week}T00:00:00+00:00", "window_json": str(file)})
    )  # fmt: skip
    return file


def test_every_rule_with_its_numbers(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """The one that decided, those that applied beside it, and those that did not."""
    looked(home, 1, "watch", {"reasons": ["older"], "rules": RULES})
    file = looked(home, 8, "retrain", {"reasons": ["It decayed."], "rules": RULES})
    assert run(["monitor", "churn", "--why", "--home", str(home.root)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "churn: retrain (version 4, window to 2026-06-08T00:00:00+00:00)",
        "  It decayed.",
        "  Rules in order of precedence; the first that applies decides:",
        "  · insufficient data, too few rows: 900 answered, 300 needed",
        "  → retrain, decay: 2 of 3 windows fell short",
        "  + watch, drift: 1 of 9 drifted",
        "  Before: 2026-06-01 watch.",
        f"  {file}",
    ]
    assert run(["monitor", "churn", "--why", "--json", "--home", str(home.root)]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["rules"][1]["decides"]) == ("retrain", True)


def test_nothing_to_explain(home: Home) -> None:
    """Without a look, or without its file, the error says what to do."""
    with pytest.raises(NotReady, match="No window of churn was looked at yet"):
        why(home, "churn")
    looked(home, 1, "watch", None)
    with pytest.raises(NotReady, match="is gone"):
        why(home, "churn")
    looked(home, 2, "watch", {"reasons": []})
    with pytest.raises(NotReady, match="holds no rules"):
        why(home, "churn")
