"""Run a command as a process of its own and read what it took: seconds, CPU, peak memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What one process took.

    Attributes:
        seconds: wall time.
        cpu: user and system seconds.
        peak_mib: largest resident memory.
        said: the JSON object on the last line it printed; empty when it printed none.
    """

    seconds: float
    cpu: float
    peak_mib: float
    said: dict[str, Any]


class Failed(SystemExit):
    """The process did not end well."""


def measure(
    *arguments: str, python: str = sys.executable, log: Path | None = None,
    limit: float | None = None,
) -> Taken:  # fmt: skip
    """Run a Python with arguments.

    Args:
        arguments: of the interpreter.
        python: the interpreter.
        log: takes what it says on standard error; shown when there is none.
        limit: seconds after which it is ended with everything it started.

    Raises:
        Failed: it failed, or was ended.
    """
    begun = time.perf_counter()
    with ExitStack() as open_files:
        errors = open_files.enter_context(log.open("wb")) if log else None
        process = subprocess.Popen(
            [python, *arguments], stdout=subprocess.PIPE, stderr=errors, text=True,
            start_new_session=True,
        )  # fmt: skip
    timer = Timer(limit, end, [process]) if limit else None
    if timer:
        timer.start()
    try:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        end(process)
        raise
    finally:
        if timer:
            timer.cancel()
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Failed(f"{' '.join(arguments)} ended with {process.returncode} after {seconds:.0f} s")
    last = printed.strip().rpartition("\n")[2]
    return Taken(
        seconds=seconds,
        cpu=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / 1024,
        said=json.loads(last) if last.startswith("{") else {},
    )


def end(process: subprocess.Popen[str]) -> None:
    """End a process with everything it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
