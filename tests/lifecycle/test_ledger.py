"""The ledger keeps what it was told, and shows when it was made to tell something else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lifecycle.errors import DataError
from lifecycle.home import Home, open_home
from lifecycle.ledger import COLUMNS, MONITOR, Entry, Ledger, opened, write
from lifecycle.moves import Move, Moves
from lifecycle.sqlite import transaction

BEFORE_THE_CHAIN = """
CREATE TABLE ledger (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, actor TEXT NOT NULL,
    task TEXT NOT NULL, decision TEXT NOT NULL, why TEXT NOT NULL, version TEXT,
    evidence TEXT NOT NULL
);
CREATE TRIGGER ledger_keeps_rows BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_keeps_values BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
INSERT INTO ledger (at, actor, task, decision, why, version, evidence) VALUES
    ('2026-01-01', 'ada', 'churn', 'promote', 'first', '1', '{"previous": null}'),
    ('2026-01-02', 'job 7', 'churn', 'promote', 'better', '2', '{"previous": 1}'),
    ('2026-01-03', 'monitor', 'churn', 'watch', 'a shift', '2', '{}');
"""
FREE = "DROP TRIGGER ledger_keeps_rows; DROP TRIGGER ledger_keeps_values;"


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


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET why = 'worse'",
        "DELETE FROM ledger",
        f"INSERT OR REPLACE INTO ledger SELECT number, '', {', '.join(COLUMNS[2:])} FROM ledger",
    ],
)
def test_no_row_is_ever_changed(home: Home, statement: str) -> None:
    """The database itself refuses to change or drop a decision."""
    Ledger(home).append(entry())
    with (
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
        transaction(home.platform, "") as db,
    ):
        db.execute(statement)
    assert [found.why for found in Ledger(home).read()] == ["better"]


def test_the_rows_are_chained(home: Home) -> None:
    """Each row carries the hash of the one before; an untouched ledger verifies."""
    ledger = Ledger(home)
    for n in range(3):
        ledger.append(entry(why=str(n), version=str(n), previous=str(n - 1)))
    third, second, first = ledger.read()
    assert first.before == ""
    assert [second.before, third.before] == [first.hash, second.hash]
    assert third.previous == "1"
    assert ledger.verify() == ()


@pytest.mark.parametrize(
    ("statement", "numbers"),
    [
        ("UPDATE ledger SET why = 'worse' WHERE number = 2", [2]),
        ("UPDATE ledger SET evidence = 'no JSON' WHERE number = 1", [1]),
        ("DELETE FROM ledger WHERE number = 2", [2]),
        ("DELETE FROM ledger WHERE number = 3", [3]),
        ("DELETE FROM ledger", [1, 2, 3]),
        (f"INSERT INTO ledger SELECT 9, {', '.join(COLUMNS[1:])} FROM ledger WHERE number = 3",
         [4, 5, 6, 7, 8, 9]),
        ("UPDATE ledger SET number = 0 WHERE number = 3", [0, 1, 3]),
    ],
    ids=["edited", "unreadable", "removed", "newest removed", "emptied", "inserted", "moved"],
)  # fmt: skip
def test_tampering_is_found_though_the_triggers_were_dropped(
    home: Home, statement: str, numbers: list[int]
) -> None:
    """Whoever opens the file with SQLite alone can change it, but not unseen."""
    ledger = Ledger(home)
    for n in range(3):
        ledger.append(entry(why=str(n)))
    with closing(sqlite3.connect(home.platform)) as db:
        db.executescript(FREE + statement)
    assert sorted({broken.number for broken in ledger.verify()}) == numbers


def test_a_cut_end_is_missed_by_the_change_that_names_it(home: Home) -> None:
    """Even where SQLite's own count of rows was turned back as well."""
    ledger, moves = Ledger(home), Moves(home)
    ledger.append(entry())
    with closing(sqlite3.connect(home.platform)) as db:
        db.executescript(FREE + "DELETE FROM ledger; UPDATE sqlite_sequence SET seq = 0")
    assert ledger.verify() == ()  # of this nothing is left that could tell
    made = Move(
        task="churn", champion=None, previous=None, challenger=None, version=1, entry=entry()
    )
    assert moves.done(moves.begin(made)) == 1
    with closing(sqlite3.connect(home.platform)) as db:
        db.executescript(FREE + "DELETE FROM ledger; UPDATE sqlite_sequence SET seq = 0")
    assert [(broken.number, broken.what) for broken in ledger.verify()] == [(1, "it was removed")]


def test_a_row_after_a_removed_one_does_not_hide_it(home: Home) -> None:
    """The newest row was removed, then life went on."""
    ledger = Ledger(home)
    for n in range(3):
        ledger.append(entry(why=str(n)))
    with closing(sqlite3.connect(home.platform)) as db:
        db.executescript(FREE + "DELETE FROM ledger WHERE number = 3")
    assert ledger.append(entry()) == 4
    assert [(broken.number, broken.what) for broken in ledger.verify()] == [(3, "it was removed")]


def test_a_row_that_cannot_be_read_is_named(home: Home) -> None:
    """Damaged evidence is an error that says which row, not a traceback."""
    Ledger(home).append(entry())
    with closing(sqlite3.connect(home.platform)) as db:
        db.executescript(FREE + "UPDATE ledger SET evidence = '{'")
    with pytest.raises(DataError, match=r"Row 1 of the ledger.*onramp history --verify"):
        Ledger(home).read()


def test_a_ledger_of_before_the_chain_is_chained_once(home: Home) -> None:
    """Rows and numbers stay, `previous` comes out of the evidence, and tampering shows since."""
    home.root.mkdir()
    with closing(sqlite3.connect(home.platform)) as db:
        db.executescript(BEFORE_THE_CHAIN)
    ledger = Ledger(home)
    rows = ledger.read()
    assert [(row.number, row.at, row.why, row.version, row.previous) for row in rows] == [
        (3, "2026-01-03", "a shift", "2", None), (2, "2026-01-02", "better", "2", "1"),
        (1, "2026-01-01", "first", "1", None),
    ]  # fmt: skip
    assert rows[1].evidence == {"previous": 1}
    assert ledger.append(entry()) == 4
    assert ledger.verify() == ()
    with closing(sqlite3.connect(home.platform)) as db:
        assert [row[0] for row in db.execute("SELECT name FROM sqlite_sequence")] == ["ledger"]
        db.executescript(FREE + "UPDATE ledger SET at = '2025-01-01' WHERE number = 1")
    assert [broken.number for broken in ledger.verify()] == [1]


def test_a_migration_that_fails_changes_nothing(home: Home) -> None:
    """All of it in one transaction: a ledger that cannot be chained stays as it was."""
    home.root.mkdir()
    with closing(sqlite3.connect(home.platform)) as db:
        db.executescript(f"{BEFORE_THE_CHAIN} {FREE} UPDATE ledger SET evidence = '{{'")
    for _ in range(2):
        with pytest.raises(DataError, match="Row 1 of the ledger cannot be read"):
            Ledger(home).read()
    with closing(sqlite3.connect(home.platform)) as db:
        assert len(db.execute("SELECT evidence FROM ledger").fetchall()) == 3
        assert "hash" not in {row[1] for row in db.execute("PRAGMA table_info(ledger)")}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("CREATE TABLE ledger (number INTEGER, amount REAL)", "Its columns are amount, number"),
        (None, "is no SQLite database"),
    ],
)
def test_what_is_no_ledger_of_ours_is_said_and_left_alone(
    home: Home, made: str | None, words: str
) -> None:
    """Another schema, or no database at all: a clear error and not one changed byte."""
    home.root.mkdir()
    if made is None:
        home.platform.write_text("receipts " * 1000)
    else:
        with closing(sqlite3.connect(home.platform)) as db:
            db.execute(made)
    for act in (Ledger(home).verify, Ledger(home).read, lambda: Ledger(home).append(entry())):
        with pytest.raises(DataError, match=words):
            act()
    if made is None:
        assert home.platform.read_text() == "receipts " * 1000
    else:
        with closing(sqlite3.connect(home.platform)) as db:
            assert [row[0] for row in db.execute("SELECT name FROM sqlite_master")] == ["ledger"]


def test_a_clock_that_was_set_back_moves_no_row(home: Home) -> None:
    """Order is the order of writing, whatever the clock said; the chain holds."""
    ledger = Ledger(home)
    for year in (2030, 2020, 2025):
        ledger.append(entry(at=f"{year}-01-01T00:00:00+00:00", version=str(year)))
    assert [row.at[:4] for row in ledger.read()] == ["2025", "2020", "2030"]
    assert ledger.verify() == ()


def test_the_last_word_on_each_version(home: Home) -> None:
    """Of the decisions asked for, the newest by number and not by clock."""
    ledger = Ledger(home)
    said = entry(decision="await approval", version="2", at="2030-01-01T00:00:00+00:00")
    ledger.append(said)
    ledger.append(replace(said, decision="reject", at="2020-01-01T00:00:00+00:00"))
    ledger.append(replace(said, decision="watch"))
    ledger.append(replace(said, version="3"))
    ledger.append(replace(said, task="preference"))
    ledger.append(replace(said, decision="roll back", actor=MONITOR))  # a verdict moves nothing
    last = ledger.last("churn", ("await approval", "reject", "roll back"))
    assert {version: row.decision for version, row in last.items()} == {
        "2": "reject", "3": "await approval",
    }  # fmt: skip


def test_a_row_of_a_transaction_that_failed_was_never_there(home: Home) -> None:
    """Its number is given again, so that no gap looks like a removed row."""

    def fail() -> None:
        with opened(home.platform) as db:
            write(db, entry(why="lost"))
            raise RuntimeError

    Ledger(home).append(entry(why="first"))
    with pytest.raises(RuntimeError):
        fail()
    assert Ledger(home).append(entry(why="second")) == 2
    assert Ledger(home).verify() == ()
