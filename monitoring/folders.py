"""Where a window's files lie, and what a look that was killed has left there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lifecycle.home import Home
from lifecycle.lock import held

WINDOW_JSON = "window.json"
STAMP = "%Y-%m-%dT%H%M%SZ"


@contextmanager
def looking(home: Home, task: str, as_of: datetime) -> Iterator[Path]:
    """One look at a task at a time: gives the folder of its window.

    Other windows' folders without their file are of looks that were killed, and are cleared away.
    This window's own is finished, for it names what was put into Evidently's workspace.

    Raises:
        Busy: another process looks at the task.
    """
    reports = home.reports / task
    folder = reports / as_of.astimezone(UTC).strftime(STAMP)
    with held(home.locks / f"monitor-{task}.held", f"A look at {task}"):
        for left in unfinished(reports):
            if left != folder:
                shutil.rmtree(left)
        yield folder


def unfinished(reports: Path) -> tuple[Path, ...]:
    """Folders of windows whose look did not come to its end."""
    return tuple(
        folder
        for folder in reports.glob("*")
        if folder.is_dir() and stamped(folder.name) and not (folder / WINDOW_JSON).exists()
    )


def stamped(name: str) -> bool:
    """Whether a folder has the name of a window."""
    try:
        datetime.strptime(name, STAMP).replace(tzinfo=UTC)
    except ValueError:
        return False
    return True
