"""One transaction: all or nothing, and patient with neighbours."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.errors import DataError
from lifecycle.home import Home, open_home
from lifecycle.jobs import Jobs
from lifecycle.moves import Moves
from lifecycle.outbox import Outbox
from lifecycle.sqlite import transaction

SCHEMA = "CREATE TABLE IF NOT EXISTS counter (n INTEGER NOT NULL);"

ADD = """
import sys, time
from pathlib import Path
from lifecycle.sqlite import transaction
while time.time() < float(sys.argv[2]): pass
for _ in range(20):
    with transaction(Path(sys.argv[1]), sys.argv[3]) as db:
        n = db.execute("SELECT coalesce(max(n), 0) FROM counter").fetchone()[0]
        db.execute("INSERT INTO counter VALUES (?)", (n + 1,))
"""


def counted(path: Path) -> list[int]:
    with transaction(path, SCHEMA) as db:
        return [row["n"] for row in db.execute("SELECT n FROM counter ORDER BY rowid")]


def test_an_exception_leaves_nothing_behind(tmp_path: Path) -> None:
    """What was written before a failure is not there after it."""
    path = tmp_path / "deep" / "a.db"
    with pytest.raises(sqlite3.IntegrityError), transaction(path, SCHEMA) as db:
        db.executemany("INSERT INTO counter VALUES (?)", [(1,), (None,)])
    assert counted(path) == []


def test_processes_that_make_it_at_once_read_what_they_write_over(tmp_path: Path) -> None:
    """Six processes start on a database that is not there; no increment of any is lost."""
    path, start = tmp_path / "a.db", str(time.time() + 0.7)
    workers = [subprocess.Popen([sys.executable, "-c", ADD, path, start, SCHEMA]) for _ in range(6)]
    assert [worker.wait(300) for worker in workers] == [0] * 6
    assert counted(path) == list(range(1, 121))


def test_readers_do_not_wait_for_the_log(tmp_path: Path) -> None:
    """The database keeps a write-ahead log once it was made with one."""
    path = tmp_path / "a.db"
    counted(path)
    with sqlite3.connect(path) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    plain.close()


@pytest.mark.parametrize(
    ("table", "write"),
    [
        ("moves", lambda home: Moves(home).open("churn")),
        ("jobs", lambda home: Jobs(home).read()),
        ("outbox", lambda home: Outbox(home.platform).waiting()),
    ],
)
def test_a_table_of_another_shape_is_named_and_left_as_it_is(
    tmp_path: Path, table: str, write: Callable[[Home], object]
) -> None:
    """Of another Onramp, or of something else: nothing is written into it."""
    home = open_home(tmp_path)
    with sqlite3.connect(home.platform) as db:
        db.execute(f"CREATE TABLE {table} (number INTEGER, task TEXT, amount REAL)")
    db.close()
    with pytest.raises(DataError, match=rf"The table '{table}' in .*amount, number, task"):
        write(home)
    with sqlite3.connect(home.platform) as db:
        assert [row[1] for row in db.execute(f"PRAGMA table_info({table})")] == [
            "number", "task", "amount",
        ]  # fmt: skip
    db.close()


def test_a_wrong_statement_is_not_called_busy(tmp_path: Path) -> None:
    """Only a lock is Busy; a fault of ours stays what it is."""
    with (
        pytest.raises(sqlite3.OperationalError, match="no such table"),
        transaction(tmp_path / "a.db", SCHEMA) as db,
    ):
        db.execute("SELECT * FROM elsewhere")
