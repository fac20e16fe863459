"""`onramp scheduler` as a process: real verbs, real signals, one of two works."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
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


@pytest.fixture
def working(home: Home) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        ["onramp", "scheduler", "--port", "0", "--json", "--home", str(home.root)],
        env=environ(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield started
    started.kill()
    started.communicate(timeout=SECONDS)


def said(stream: IO[str] | None, pattern: str) -> str:
    """The next line that matches; the process ends first where none does."""
    assert stream is not None
    for line in stream:
        if re.search(pattern, text := json.loads(line)["said"]):
            return str(text)
    pytest.fail(f"it never said {pattern}")


def test_it_works_is_seen_and_ends(
    home: Home, working: subprocess.Popen[str], tmp_path: Path
) -> None:
    """What was missed is done once; a second scheduler is sent away; SIGTERM ends this one."""
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
