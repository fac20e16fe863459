"""`onramp scheduler` as a process: real verbs, real signals, one of two works."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import httpx
import pytest

from lifecycle.home import Home, open_home
from onramp.scheduler.state import Mark, State, read_state, write_state
from onramp.scheduler.words import lines
from tests.newcomer import environ, shell

SECONDS = 300
SCHEDULE = """
[look]
at = "@monthly"
verbs = ["history", "features list"]
"""
VERB = """
import os, pathlib, sys, time
with open("calls", "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
end = time.monotonic() + 600
while pathlib.Path("hold").exists() and time.monotonic() < end:
    time.sleep(0.05)
"""
DATASET = """
name = "toy"
title = "A toy"
source = "made up"
clock = "data"
[vocabulary]
events = ["login"]
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose monthly run was missed while the machine was off."""
    home = open_home(tmp_path / "home")
    home.root.mkdir()
    home.dataset_file.write_text(DATASET)
    home.schedule_file.write_text(SCHEDULE)
    then = datetime.now(UTC) - timedelta(days=100)
    mark = Mark(name="look", since=then)
    write_state(home, State(worker="elsewhere/1/1.00", started_at=then, beat_at=then, stopped=True,
                            marks={"look": mark}, next_at={"look": then}))  # fmt: skip
    return home


@contextmanager
def scheduling(home: Home, place: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """`onramp scheduler` in this folder; killed in the end."""
    started = subprocess.Popen(
        ["onramp", "scheduler", *words, "--json", "--home", str(home.root)],
        env=environ(), cwd=place, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield started
    finally:
        started.kill()
        started.communicate(timeout=SECONDS)


def said(stream: IO[str] | None, pattern: str) -> str:
    """The next line that matches; the process ends first where none does."""
    assert stream is not None
    for line in stream:
        if re.search(pattern, text := json.loads(line)["said"]):
            return str(text)
    pytest.fail(f"it never said {pattern}")


def test_it_works_is_seen_and_ends(home: Home, tmp_path: Path) -> None:
    """What was missed is done once; a second scheduler is sent away; SIGTERM ends this one."""
    with scheduling(home, tmp_path, "--port", "0") as working:
        lives_and_ends(home, working, tmp_path)


def lives_and_ends(home: Home, working: subprocess.Popen[str], tmp_path: Path) -> None:
    begun = said(working.stdout, "^Scheduling look")
    address = begun.rsplit(" ", 1)[1]
    said(working.stdout, "^look: onramp features list ended with 0")
    other = shell(f"onramp scheduler --home {home.root}", tmp_path)
    assert (other.code, "Scheduling is under way already" in other.errors) == (5, True)
    with httpx.Client(trust_env=False, timeout=SECONDS) as client:
        shown = client.get(address)
        assert shown.status_code == 200
        assert re.search(
            r'^onramp_scheduler_run_last_exit_code\{run="look"\} 0.0$', shown.text, re.MULTILINE
        )
        assert client.get(address, headers={"Host": "evil.example"}).status_code == 421
    state = read_state(home)
    assert state is not None
    assert state.running
    assert lines(state)[0].startswith("The scheduler works since ")
    assert (
        home.metrics_file.read_text().count("\nonramp_scheduler_run_next_timestamp_seconds{") == 1
    )
    working.terminate()
    assert said(working.stdout, "^Stopped") == "Stopped."
    assert working.wait(SECONDS) == 0
    ended = read_state(home)
    assert ended is not None
    assert (ended.running, ended.marks["look"].exit_code) == (False, 0)
    assert "was stopped" in lines(ended)[0]


def test_after_kill_9_nothing_is_done_twice_at_once(home: Home, tmp_path: Path) -> None:
    """The verb goes on; the next scheduler waits for its end, does it again, and goes on."""
    package = tmp_path / "code" / "onramp"  # verbs of the tests' own, found in the folder first
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(VERB)
    place, calls = package.parent, package.parent / "calls"
    (place / "hold").touch()
    with scheduling(home, place) as first:
        said(first.stdout, "^look: onramp history")
        deadline = time.monotonic() + SECONDS
        while not calls.exists() or not calls.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    state = read_state(home)
    assert state is not None
    assert (state.doing, state.running) == ("history", False)
    with scheduling(home, place) as second:
        said(second.stdout, "goes on. Waiting for its end")
        assert calls.read_text().splitlines() == ["history"]
        (place / "hold").unlink()
        said(second.stdout, "^look: onramp history ended with 0")
        said(second.stdout, "^look: onramp features list ended with 0")
    assert calls.read_text().splitlines() == ["history", "history", "features list"]
