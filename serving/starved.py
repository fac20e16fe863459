"""Whether this process stood ready and was not let run: then silence says nothing of a store."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

TASKS = Path("/proc/self/task")
NANO = 1e-9


def waited_for_cpu() -> float:
    """Seconds that the threads beside this one have stood ready to run without running.

    0.0 where the system does not tell (all but Linux).
    """
    own = str(threading.get_native_id())
    total = 0
    with suppress(OSError):
        for task in TASKS.iterdir():
            if task.name != own:
                total += delay(task)
    return total * NANO


def delay(task: Path) -> int:
    """Nanoseconds of one thread; 0 when it has just ended."""
    with suppress(OSError, ValueError, IndexError):
        # time on a processor, time in its queue, turns: Documentation/scheduler/sched-stats
        return int((task / "schedstat").read_text(encoding="ascii").split()[1])
    return 0
