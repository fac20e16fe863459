"""A search that is killed goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil

from tests.training.search.conftest import make_plan, make_problem, told
from training.search.board import Board, open_board
from training.search.identity import named
from training.search.search import search

KILLED = """
    import sys
    from dataclasses import replace
    from pathlib import Path
    from tests.training.search.conftest import make_plan, make_problem
    from training.search.search import search
    problem = make_problem(150, rounds=5)
    search((problem,), replace(make_plan(Path(sys.argv[1]), trials=400), workers=2))
"""


def workers_of(board: Board) -> set[str]:
    """Who has written an outcome."""
    return {t.user_attrs["worker"] for t in board.look().values() if t.state.is_finished()}


def test_a_killed_search_of_two_workers_goes_on_alone(tmp_path: Path) -> None:
    """After kill -9 its worker ends too, and one process ends with what it would have come to."""
    folder, stages = tmp_path / "killed", (make_problem(150, rounds=5),)
    folder.mkdir()
    board = open_board(named(make_plan(folder), stages))
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(KILLED), str(folder)])
    deadline, leader = time.monotonic() + 600, psutil.Process(process.pid)
    while len(workers_of(board)) < 2 and process.poll() is None and time.monotonic() < deadline:
        if leader.children():  # held back while its worker loads, or it would do nearly all
            leader.suspend()
            time.sleep(0.5)
            leader.resume()
        time.sleep(0.02)
    (helper,) = leader.children()
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    helper.wait(120)
    trials = len(board.look()) + 2
    assert trials < 300
    resumed = search(stages, make_plan(folder, trials))
    whole = search(stages, make_plan(tmp_path / "whole", trials))
    assert told(resumed) == told(whole)
    assert resumed.ranked == whole.ranked
    assert not list(folder.glob("*.crew"))
