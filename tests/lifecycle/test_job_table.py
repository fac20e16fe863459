"""A database that an earlier Onramp wrote is ours from the first look, whoever looks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from lifecycle.errors import Busy
from lifecycle.home import Home, open_home
from lifecycle.job_table import COLUMNS
from lifecycle.jobs import Jobs
from lifecycle.ledger import Ledger
from lifecycle.moves import Moves

OLD = Path(__file__).with_name("jobs_before_steps.sql")  # as the Onramp before wrote and dumped it
THEN = datetime.fromisoformat("2026-11-22T23:12:00+00:00")  # soon after it was written
LATER = datetime.fromisoformat("2027-01-01T00:00:00+00:00")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = open_home(tmp_path)
    with closing(sqlite3.connect(made.platform)) as db:
        db.executescript(OLD.read_text(encoding="utf-8"))
    return made


@pytest.mark.parametrize(
    "look", [lambda home: Jobs(home).read(), lambda home: Moves(home).open("churn")]
)
def test_an_older_table_becomes_ours_in_place(home: Home, look: Callable[[Home], object]) -> None:
    """Jobs keep their order, their ends and their versions; work under way is still under way."""
    look(home)
    found = {(job.task, job.state, job.version, job.trigger) for job in Jobs(home).read()}
    assert found == {
        ("churn", "promoted", 1, "decay"), ("churn", "refused", 2, "hand"),
        ("churn", "undecided", 3, "decay"), ("churn", "failed", None, "hand"),
        ("churn", "preparing", None, "decay"), ("preference", "awaiting approval", 7, "decay"),
        ("third", "requested", None, "hand"),
    }  # fmt: skip
    assert [job.state for job in Jobs(home).read("churn")] == [
        "preparing", "failed", "undecided", "refused", "promoted",
    ]  # fmt: skip
    with closing(sqlite3.connect(home.platform)) as db:
        names = [row[1] for row in db.execute("PRAGMA table_info(jobs)")]
        indices = {row[1] for row in db.execute("PRAGMA index_list(jobs)")}
    assert set(names) == set(COLUMNS)
    assert {name for name in indices if not name.startswith("sqlite")} == {"one_open_job"}
    assert len(Ledger(home).read()) == 1


def test_it_goes_on_where_it_stood(home: Home) -> None:
    """What is open is the one; a dead worker's job is taken over; a person ends what waits."""
    jobs = Jobs(home, clock=lambda: THEN)
    assert jobs.request("churn", why="decay", by="monitor", as_of=LATER)[1] is False
    with pytest.raises(Busy):
        jobs.claim("churn", "next", alive=lambda _: True)
    taken = jobs.claim("churn", "next", alive=lambda _: False)
    assert taken is not None
    assert (taken.state, taken.attempts, taken.problem) == (
        "preparing", 2, "Worker host/1/1.00 died while preparing."
    )  # fmt: skip
    waits = jobs.waiting("preference")
    assert waits is not None
    assert waits.version == 7
    assert jobs.claim("third", "next") is not None


def test_people_are_not_told_of_what_ended_before(home: Home) -> None:
    """Only what still waits for them is news."""
    news = [job.task for job in Jobs(home).read() if job.told != job.state]
    assert sorted(news) == ["churn", "preference", "third"]
