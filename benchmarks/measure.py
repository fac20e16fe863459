"""Run a command as a process of its own and read what it took: seconds, CPU, peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass


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
    said: dict[str, float]


def measure(*arguments: str) -> Taken:
    """Run this Python with arguments; its errors are shown.

    Raises:
        SystemExit: it failed.
    """
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
    last = printed.strip().rpartition("\n")[2]
    return Taken(
        seconds=seconds,
        cpu=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / 1024,
        said=json.loads(last) if last.startswith("{") else {},
    )
