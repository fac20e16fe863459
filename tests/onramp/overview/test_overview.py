"""onramp.overview: what the stores say, and what of it cannot be read; nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lifecycle.errors import DataError
from lifecycle.home import Home, open_home
from onramp.overview.look import read_look, read_looks
from onramp.overview.overview import Limits, read
from tests.onramp.overview.homes import NOW, WINDOW, home_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_of(tmp_path / "home")


def window(home: Home) -> Path:
    (file,) = home.reports.glob("*/*/window.json")
    return file


def test_everything_is_read_together(home: Home) -> None:
    """A look with fields of another version, a job in a table with more columns, no ledger yet."""
    seen = read(home)
    assert seen.problems == ()
    assert (seen.dataset, seen.newest_data, seen.decisions) == ("A toy", None, ())
    (look,) = seen.looks["churn"]
    assert (look.verdict, look.as_of, look.drifted) == ("retrain", NOW, ("age",))
    assert look.judged is not None
    assert (look.judged.low, look.judged.high, look.judged.baseline) == (0.65, None, 0.82)
    (count,) = seen.job_counts
    assert (count.state, count.jobs, count.open_since) == ("training", 1, NOW.isoformat())


def test_looking_changes_nothing(home: Home) -> None:
    """No table, file or folder appears, and no time of any of them moves."""
    before = {path: path.stat().st_mtime_ns for path in home.root.rglob("*")}
    read(home)
    assert {path: path.stat().st_mtime_ns for path in home.root.rglob("*")} == before


def test_an_empty_place_has_nothing_and_no_problem(tmp_path: Path) -> None:
    """Before the first ingest there is nothing to complain of."""
    seen = read(open_home(tmp_path / "nowhere"))
    assert (seen.looks, seen.jobs, seen.problems, seen.scheduler) == ({}, (), (), None)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Invalid JSON"),
        ("[]", "Input should be an object"),
        ('{"task": "churn"}', "as_of: Field required"),
        (json.dumps({**WINDOW, "version": "three"}), "version: "),
        (json.dumps({**WINDOW, "evidence": {"drift": [{"column": 7}]}}), "evidence.drift.0.column"),
        (json.dumps(WINDOW).replace("0.31", "NaN"), "NaN|finite|Invalid JSON"),
        (json.dumps({**WINDOW, "task": "preference"}), "It is about 'preference'"),
    ],
)
def test_a_broken_window_is_named_and_hides_no_other(home: Home, text: str, said: str) -> None:
    """What is wrong with it stands where it would have been shown."""
    good = window(home)
    bad = good.parent.with_name("2026-11-15T060000Z") / good.name
    bad.parent.mkdir()
    bad.write_text(text)
    with pytest.raises(DataError, match=said):
        read_look(bad, "churn")
    looks, (problem,) = read_looks(home.reports, "churn", 5)
    assert [look.folder for look in looks] == [good.parent]
    assert str(bad) in problem


def test_a_look_under_way_or_killed_is_no_trouble(home: Home) -> None:
    """Its folder has no file yet: nothing is said of it, and it takes no other's place."""
    for day in (23, 24):
        drawing = home.reports / "churn" / f"2026-11-{day}T060000Z"
        drawing.mkdir()
        (drawing / "report.html").touch()
    seen = read(home, Limits(looks=1))
    assert ([look.as_of for look in seen.looks["churn"]], seen.problems) == ([NOW], ())


def test_only_the_newest_are_read(home: Home) -> None:
    """A year of looks costs no more than a few."""
    for day in range(1, 21):
        folder = home.reports / "churn" / f"2026-10-{day:02d}T060000Z"
        folder.mkdir()
        (folder / "window.json").write_text("{")
    seen = read(home, Limits(looks=3))
    assert (len(seen.looks["churn"]), len(seen.problems)) == (1, 2)


def test_each_damaged_store_is_said_by_its_name(home: Home) -> None:
    """A database that is none, a scheduler's file, a verb's record, a data set's file."""
    home.platform.write_bytes(b"no database at all, and long enough to be read as one" * 40)
    home.scheduler_file.write_text("[")
    home.verbs.mkdir()
    (home.verbs / "score.json").write_text("{}")
    home.manifest.write_bytes(b"nor this" * 200)
    seen = read(home)
    text = "\n".join(seen.problems)
    for word in ("The jobs: ", "The ledger: ", "The scheduler's file: ", "score.json",
                 "The event store: "):  # fmt: skip
        assert word in text
    assert len(seen.looks["churn"]) == 1
    home.dataset_file.write_text("name =")
    seen = read(home)
    assert "The data set: " in "\n".join(seen.problems)
    assert len(seen.looks["churn"]) == 1
