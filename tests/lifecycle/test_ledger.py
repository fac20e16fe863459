"""The ledger keeps what it was told."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from lifecycle.home import Home, open_home
from lifecycle.ledger import Entry, Ledger
from lifecycle.sqlite import transaction


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def entry(task: str = "churn", **changes: object) -> Entry:
    return Entry(
        **{"actor": "ada", "task": task, "decision": "promote", "why": "better", **changes}
    )


def test_nothing_was_decided_in_a_new_home(home: Home) -> None:
    """Reading a ledger that nobody wrote makes no file."""
    assert Ledger(home).read() == ()
    assert not home.root.exists()


def test_a_decision_comes_back_whole(home: Home) -> None:
    """Actor, reason, version and evidence come back as they went in, with number and time."""
    number = Ledger(home).append(entry(version="3", evidence={"roc_auc": 0.8, "path": Path("a")}))
    (found,) = Ledger(home).read("churn")
    assert (found.number, found.version, found.why) == (number, "3", "better")
    assert found.evidence == {"roc_auc": 0.8, "path": "a"}
    assert found.at.endswith("+00:00")


def test_newest_first_by_task(home: Home) -> None:
    """Rows come newest first, of one task or of all, as many as asked for."""
    ledger = Ledger(home)
    for n in range(5):
        ledger.append(entry("churn" if n % 2 else "preference", why=str(n)))
    assert [found.why for found in ledger.read()] == ["4", "3", "2", "1", "0"]
    assert [found.why for found in ledger.read("churn")] == ["3", "1"]
    assert [found.why for found in ledger.read(newest=2)] == ["4", "3"]


@pytest.mark.parametrize("statement", ["UPDATE ledger SET why = 'worse'", "DELETE FROM ledger"])
def test_no_row_is_ever_changed(home: Home, statement: str) -> None:
    """The database itself refuses to change or drop a decision."""
    Ledger(home).append(entry())
    with (
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
        transaction(home.platform, "") as db,
    ):
        db.execute(statement)
    assert [found.why for found in Ledger(home).read()] == ["better"]
