"""onramp.scheduler.child: a verb in a process of its own, and what ends it."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from lifecycle.home import Home, open_home
from onramp.scheduler.child import (
    LEFT_BEHIND,
    LOCK,
    STOPPED,
    STOPPED_WITH,
    TIMED_OUT,
    Ended,
    Rules,
    call,
)

NEVER: Callable[[], bool] = lambda: False  # noqa: E731  it has a type


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home, and beside it a package `onramp` of the tests' own that does as it is told."""
    folder = tmp_path / "code" / "onramp"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "__main__.py").write_text(
        "import os, signal, subprocess, sys, time\n"
        "print('home', os.environ['ONRAMP_HOME'], flush=True)\n"
        "exec(sys.argv[1])\n"
    )
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("PYTHONPATH", str(folder.parent))
    return open_home(tmp_path / "home")


def rules(*, limit: float = 300.0, hurry: Callable[[], bool] = NEVER) -> Rules:
    return Rules(limit_seconds=limit, hurry=hurry, meanwhile=lambda: None)


def test_it_says_how_it_ended_and_what_it_printed(home: Home) -> None:
    """Each line as it comes, the home whatever the settings say, and the exit code."""
    lines: list[str] = []
    end = call(home, ["print('to err', file=sys.stderr); sys.exit(10)"], rules(), lines.append)
    assert (end.exit_code, end.said) == (10, "to err")
    assert lines == [f"home {home.root}", "to err"]


def test_a_crash_is_only_its_own(home: Home) -> None:
    """A killed verb, as of too little memory, has the exit code that a shell gives it."""
    end = call(home, ["os.kill(os.getpid(), signal.SIGKILL)"], rules(), lambda _: None)
    assert end.exit_code == 128 + 9


def test_what_takes_too_long_is_ended_with_all_that_it_started(home: Home) -> None:
    """Also a child of it that would hear no SIGTERM."""
    lines: list[str] = []
    deaf = (
        "import signal, time; signal.signal(15, signal.SIG_IGN);"
        "print('deaf', flush=True); time.sleep(600)"
    )
    script = (
        f"p = subprocess.Popen([{sys.executable!r}, '-c', {deaf!r}], stdout=subprocess.PIPE);"
        "p.stdout.readline(); print(p.pid, flush=True); time.sleep(600)"
    )
    ready = lambda: len(lines) > 1  # noqa: E731  the child is there: from now on it takes too long
    end = call(home, [script], rules(hurry=ready), lines.append)
    assert end.exit_code == STOPPED
    assert gone(int(lines[1]))
    end = call(home, ["time.sleep(600)"], rules(limit=0.5), lambda _: None)
    assert (end.exit_code, "limit" in end.said) == (TIMED_OUT, True)


def gone(pid: int) -> bool:
    """Ended, whether or not somebody has taken note."""
    try:
        psutil.Process(pid).wait(60)
    except psutil.NoSuchProcess:
        return True
    return not psutil.pid_exists(pid)


def test_a_line_without_an_end_does_not_fill_the_memory(home: Home) -> None:
    """It comes in pieces, and the last few are kept."""
    sizes: list[int] = []
    script = "sys.stdout.write('x' * 1_000_000)"
    end = call(home, [script], rules(), lambda line: sizes.append(len(line)))
    assert end.exit_code == 0
    assert sum(sizes[1:]) == 1_000_000
    assert max(sizes) <= 2_000
    assert len(end.said) <= 2_000


def test_who_waits_for_a_verb_left_behind_can_be_stopped(home: Home) -> None:
    """Of two schedulers' verbs one runs: the other is not begun while the first goes on."""
    lines: list[str] = []
    home.locks.mkdir(parents=True)
    with (home.locks / LOCK).open("ab") as left:
        fcntl.flock(left, fcntl.LOCK_EX)
        end = call(home, ["open('begun', 'w')"], rules(hurry=lambda: True), lines.append)
    assert end == Ended(exit_code=STOPPED, said=STOPPED_WITH)
    assert lines == [LEFT_BEHIND]
    assert not Path("begun").exists()


def test_other_things_go_on_beside_it(home: Home) -> None:
    """Such as the heartbeat."""
    beats: list[int] = []
    own = Rules(
        limit_seconds=300.0, hurry=lambda: len(beats) > 2, meanwhile=lambda: beats.append(1)
    )
    assert call(home, ["time.sleep(600)"], own, lambda _: None).exit_code == STOPPED
    assert len(beats) == 3
