"""lifecycle.verb_runs: how each verb ended last, and when it last ended well."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from lifecycle.home import Home, open_home
from lifecycle.verb_runs import read, record


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.mark.parametrize(("code", "well"), [(0, True), (10, True), (11, True), (13, True),
                                            (1, False), (3, False), (5, False)])  # fmt: skip
def test_a_decision_is_a_success_and_a_failure_is_none(home: Home, code: int, well: bool) -> None:
    """What was written is read again."""
    run = record(home, "retrain", exit_code=code, seconds=1.5)
    assert read(home) == ((run,), ())
    assert (run.succeeded_at == run.ended_at) == well
    assert run.ended_at.utcoffset() == timedelta(0)


def test_a_failure_keeps_the_last_success(home: Home) -> None:
    """Also over several failures; another verb is another matter."""
    good = record(home, "score", exit_code=0, seconds=1)
    for _ in range(2):
        bad = record(home, "score", exit_code=3, seconds=1)
    record(home, "features", exit_code=1, seconds=1)
    assert (bad.succeeded_at, bad.exit_code) == (good.ended_at, 3)
    assert [run.succeeded_at for run in read(home)[0]] == [None, good.ended_at]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ended_at": 7}', "\x00\xff"])
def test_a_damaged_file_is_named_and_mended_by_the_next_run(home: Home, text: str) -> None:
    """And hides no other."""
    record(home, "features", exit_code=0, seconds=1)
    file = home.verbs / "score.json"
    file.write_text(text, encoding="latin-1")
    (run,), (problem,) = read(home)
    assert run.verb == "features"
    assert str(file) in problem
    assert "onramp score" in problem
    record(home, "score", exit_code=0, seconds=1)
    assert read(home)[1] == ()


def test_a_home_without_runs_has_none(home: Home) -> None:
    """Nor is anything made by looking."""
    assert read(home) == ((), ())
    assert not home.root.exists()
