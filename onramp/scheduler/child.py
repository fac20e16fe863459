"""One verb in a process of its own: its memory is given back, and its crash kills nobody else.

A scheduler that is killed leaves its verb behind. The verb holds the lock that it was called under,
so that the next scheduler waits for its end instead of doing the same beside it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

from lifecycle.home import Home

LAST_LINES = 20
LONGEST_LINE = 2_000
LOOK_SECONDS = 0.2
KILL_SECONDS = 20.0
LOCK = "scheduler.call"
TOO_LONG = "It took longer than its limit."
STOPPED_WITH = "It was stopped with the scheduler."
LEFT_BEHIND = "A verb that a killed scheduler called goes on. Waiting for its end."
TIMED_OUT, STOPPED = 124, 143  # as timeout(1) and a shell have it


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a call ended: its exit code (128 and more: by a signal), and the last it said."""

    exit_code: int
    said: str


@dataclass(frozen=True, kw_only=True)
class Rules:
    """When a call is ended from outside, and what goes on beside it.

    Attributes:
        limit_seconds: it takes too long.
        hurry: whether somebody wants it ended now …
        meanwhile: what else is to be done; both are called a few times a second.
    """

    limit_seconds: float
    hurry: Callable[[], bool]
    meanwhile: Callable[[], None]


def call(home: Home, words: Sequence[str], rules: Rules, tell: Callable[[str], None]) -> Ended:
    """Run `onramp` with these words and wait for its end.

    Args:
        home: handed down, whatever the settings say.
        words: the verb and its arguments.
        rules: when it is ended before its time.
        tell: given each line that it prints.
    """
    home.locks.mkdir(parents=True, exist_ok=True)
    with (home.locks / LOCK).open("ab") as lock:
        if not taken(lock):
            tell(LEFT_BEHIND)
            if why := wait(lambda: taken(lock), rules):
                return cut(why)
        return called(home, words, rules, tell, lock)


def taken(lock: IO[bytes]) -> bool:
    """Take the lock of the open file, which whoever inherits it holds too."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def cut(why: str) -> Ended:
    """How a call ended that was ended from outside."""
    return Ended(exit_code=TIMED_OUT if why == TOO_LONG else STOPPED, said=why)


def called(
    home: Home, words: Sequence[str], rules: Rules, tell: Callable[[str], None], lock: IO[bytes]
) -> Ended:
    """The call itself, to its end."""
    lines: deque[str] = deque(maxlen=LAST_LINES)
    child = subprocess.Popen(  # noqa: S603  our own module, by the interpreter that runs us
        [sys.executable, "-m", "onramp", *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "ONRAMP_HOME": str(home.root)}, text=True, errors="replace",
        pass_fds=(lock.fileno(),),  # until its end, whatever becomes of us
        start_new_session=True,  # Ctrl-C in a terminal is ours, and a kill reaches all of its own
    )  # fmt: skip
    reader = threading.Thread(target=read, args=(child.stdout, lines, tell), daemon=True)
    reader.start()
    why = wait(lambda: over(child), rules)
    end_group(child)
    code = child.wait()
    reader.join(KILL_SECONDS)
    if why:
        return cut(why)
    return Ended(exit_code=128 - code if code < 0 else code, said=lines[-1] if lines else "")


def read(stream: IO[str], lines: deque[str], tell: Callable[[str], None]) -> None:
    """Pass each line on, and keep the last ones; one that never ends is cut."""
    with stream:
        while line := stream.readline(LONGEST_LINE):
            if text := line.rstrip():
                lines.append(text)
                tell(text)


def wait(done: Callable[[], bool], rules: Rules) -> str:
    """Wait until it is done; why not to wait any longer, where there is a reason."""
    deadline = time.monotonic() + rules.limit_seconds
    while not done():
        if rules.hurry():
            return STOPPED_WITH
        if time.monotonic() > deadline:
            return TOO_LONG
        rules.meanwhile()
        time.sleep(LOOK_SECONDS)
    return ""


def over(child: subprocess.Popen[str]) -> bool:
    """Whether it has ended. It is not taken off the table yet, so that its number stays its own."""
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end_group(child: subprocess.Popen[str]) -> None:
    """End the call, and what it started and left behind: asked first, then killed."""
    if not over(child):
        os.killpg(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + KILL_SECONDS
    while not over(child) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    os.killpg(child.pid, signal.SIGKILL)
