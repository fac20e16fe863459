"""Notices when an alias moves or a rollout takes a step, and seats who has shown that it works."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from starlette.types import ASGIApp

from lifecycle.home import Home
from lifecycle.registry import Registry, Version
from lifecycle.rollouts import Rollouts
from serving.champion import Champion, load
from serving.guard import Failed, attempt
from serving.rollout.watching import RolloutWatch
from serving.seat import Seat, Sitting

EVERY_SECONDS = 0.25
ASKING_SECONDS = 1.0  # where a look costs a question to a server and not the date of a file
RETRY_SECONDS = 30.0
STOP_SECONDS = 5.0

_logger = logging.getLogger("onramp.serving")


class Watch:
    """Polls the registry from a thread of its own; nothing that it does delays an answer.

    Attributes:
        around: builds MLflow's scoring app for a champion.
    """

    def __init__(
        self, registry: Registry, seats: Sequence[Seat], around: Callable[[Champion], ASGIApp]
    ) -> None:
        self.registry, self.seats, self.around = registry, seats, around
        self.rollouts = RolloutWatch(Rollouts(registry.home), self._challenger)
        self._failed: dict[str, tuple[int, float]] = {}
        self._stamp: tuple[tuple[int, int], ...] | None = None
        self._again_at = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="champion-watch", daemon=True)

    def start(self) -> None:
        """Seat whoever is champion now, then go on looking."""
        self.look_if_changed()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)

    def look(self) -> None:
        """Compare every seat with the registry and with the open rollouts once."""
        for seat in self.seats:
            self._look_at(seat)
            self.rollouts.look_at(seat)

    def look_if_changed(self) -> None:
        """Look when a file that tells of champions or rollouts was written, or when it is time.

        The date of a file costs no query to see. An address instead of a file is asked each
        second.
        """
        stamp, now = written_at(self.registry.home), time.monotonic()
        if stamp != self._stamp or now > self._again_at:
            wait = RETRY_SECONDS if self.registry.home.mlflow_file else ASKING_SECONDS
            self._stamp, self._again_at = stamp, now + wait
            self.look()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            self.look_if_changed()
            for seat in self.seats:
                self.rollouts.judge(seat)

    def _look_at(self, seat: Seat) -> None:
        looked = attempt(lambda: self.registry.holder(seat.task, "champion"))
        if isinstance(looked, Failed):
            report(seat, f"The registry cannot be read. {looked.reason}")
            return
        version, sitting = looked.value, seat.sitting
        if version is None:
            report(
                seat, "The alias champion is gone; its last holder serves on." if sitting else ""
            )
        elif sitting is not None and sitting.champion.version == version.number:
            report(seat, "")
        elif not self._too_soon(version):
            self._seat(seat, version)

    def _too_soon(self, version: Version) -> bool:
        """Whether this very version failed a moment ago."""
        number, again_at = self._failed.get(version.task, (0, 0.0))
        return number == version.number and time.monotonic() < again_at

    def _seat(self, seat: Seat, version: Version) -> None:
        """Load, verify, and only then let the newcomer sit."""
        made = attempt(lambda: self._sitting(version))
        if isinstance(made, Failed):
            self._failed[seat.task] = (version.number, time.monotonic() + RETRY_SECONDS)
            stays = seat.sitting
            after = f"version {stays.champion.version} serves on" if stays else "nobody serves"
            report(seat, f"Version {version.number} was not seated; {after}. {made.reason}")
            return
        seat.sitting = made.value
        self._failed.pop(seat.task, None)
        report(seat, "")
        _logger.info("%s: version %d serves", seat.task, version.number)

    def _sitting(self, version: Version) -> Sitting:
        champion = load(self.registry, version)
        return Sitting(champion=champion, app=self.around(champion), since=datetime.now(UTC))

    def _challenger(self, task: str, number: int) -> Sitting:
        return self._sitting(self.registry.version(task, number))


def written_at(home: Home) -> tuple[tuple[int, int], ...]:
    """When SQLite's files and their write-ahead logs were written, and how large they are."""
    ours = (home.platform, *((home.mlflow_file,) if home.mlflow_file else ()))
    files = (Path(f"{file}{end}") for file in ours for end in ("", "-wal"))
    return tuple(stamp(file) for file in files)


def stamp(file: Path) -> tuple[int, int]:
    """Time and size; of a file that is not there, or is just being taken away, nothing."""
    try:
        found = file.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def report(seat: Seat, trouble: str) -> None:
    """Write the trouble onto the seat, and into the log when it is news."""
    if trouble and trouble != seat.trouble:
        _logger.warning("%s: %s", seat.task, trouble)
    seat.trouble = trouble
