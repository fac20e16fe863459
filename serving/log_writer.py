"""Writes the prediction log behind the answers: never in their way, at most a second late.

Answers go into a bounded queue; a thread writes it out twice a second or each 5,000 rows. A full
queue or a disk that refuses drops rows, counts them and says so in the log: the service goes on.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from lifecycle.prediction import Prediction, by_version
from lifecycle.prediction_log import PredictionLog
from serving.guard import Done, Failed, attempt

EVERY_SECONDS = 0.5  # waiting and writing together stay below the second that a kill may cost
FLUSH_ROWS = 5_000
MOST_ROWS = 100_000
MOST_FILES = 120  # small files of one task before they are put into one: a minute's worth

_logger = logging.getLogger("onramp.serving")


class Batch(Protocol):
    """Answers given by one version of one task, turned into rows only when they are written."""

    @property
    def rows(self) -> int: ...

    def predictions(self) -> Sequence[Prediction]: ...


@dataclass(frozen=True)
class Answered:
    """A batch whose rows are there already."""

    given: tuple[Prediction, ...]

    @property
    def rows(self) -> int:
        return len(self.given)

    def predictions(self) -> Sequence[Prediction]:
        return self.given


@dataclass(frozen=True, kw_only=True)
class LogState:
    """Rows since the server started, and why the last flush failed; empty when it did not.

    Attributes:
        unreadable: answers of which no row could be made; no fault of the disk.
    """

    written: int
    dropped: int
    waiting: int
    trouble: str
    unreadable: int = 0


class LogWriter:
    """The queue and the thread that empties it.

    Args:
        log: what is written.
        most_rows: more than these do not wait; they are dropped.
        most_files: so many small files of one task are put into one.
        every_seconds: how long a row may wait.
        seen: is shown the rows on their way, written or not; what it does delays no answer.
    """

    def __init__(
        self,
        log: PredictionLog,
        *,
        most_rows: int = MOST_ROWS,
        most_files: int = MOST_FILES,
        every_seconds: float = EVERY_SECONDS,
        seen: Callable[[Sequence[Prediction]], None] = lambda _: None,
    ) -> None:
        self.log, self.seen = log, seen
        self.most_rows, self.most_files, self.every_seconds = most_rows, most_files, every_seconds
        self._queue: deque[Batch] = deque()
        self._waiting = self._written = self._dropped = self._unreadable = 0
        self._trouble = ""
        self._files: dict[str, list[Path]] = {}
        self._stopping = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, batch: Batch) -> bool:
        """Take the batch, or count it as dropped when the queue is full. Never waits."""
        with self._wake:
            if self._stopping or self._waiting + batch.rows > self.most_rows:
                self._dropped += batch.rows
                return False
            self._queue.append(batch)
            self._waiting += batch.rows
            if self._waiting >= FLUSH_ROWS:
                self._wake.notify()
        return True

    def stop(self) -> None:
        """Write what is waiting, then end."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    def state(self) -> LogState:
        with self._wake:
            return LogState(
                written=self._written,
                dropped=self._dropped,
                waiting=self._waiting,
                trouble=self._trouble,
                unreadable=self._unreadable,
            )

    def _run(self) -> None:
        attempt(self.log.sweep)
        while True:
            with self._wake:
                if not self._stopping and self._waiting < FLUSH_ROWS:
                    self._wake.wait(self.every_seconds)
                taken, self._queue = self._queue, deque()
                stopping = self._stopping
            if taken:
                self._flush(taken)
            if stopping:
                return
            self._gather()

    def _flush(self, taken: Sequence[Batch]) -> None:
        """Write the batches; what cannot be written is gone."""
        rows = [row for batch in taken for row in self._rows(batch)]
        counted = attempt(lambda: self.seen(rows))
        steps: list[Done[Any] | Failed] = []
        written = 0
        for group in by_version(rows):
            step = attempt(partial(self.log.write, group))
            steps.append(step)
            if isinstance(step, Done):
                written += len(group)
                self._files.setdefault(group[0].task, []).extend(step.value)
        self._count(sum(batch.rows for batch in taken), len(rows), written, steps)
        if isinstance(counted, Failed):
            _logger.warning("the rows of the prediction log are not counted: %s", counted.reason)

    def _rows(self, batch: Batch) -> Sequence[Prediction]:
        """The batch's rows; none where what was sent cannot be told, which harms no other batch."""
        made = attempt(batch.predictions)
        if isinstance(made, Done):
            return made.value
        if not self._unreadable:  # once: whoever sends such a thing sends it again
            _logger.warning("answers cannot be made rows of the log: %s", made.reason)
        return ()

    def _count(
        self, offered: int, made: int, written: int, steps: Sequence[Done[Any] | Failed]
    ) -> None:
        trouble = next((step.reason for step in steps if isinstance(step, Failed)), "")
        with self._wake:
            self._waiting -= offered
            self._written += written
            self._dropped += made - written
            self._unreadable += offered - made
            news, self._trouble = trouble != self._trouble, trouble
        if trouble and news:
            _logger.error("the prediction log cannot be written, rows are dropped: %s", trouble)
        elif news:
            _logger.warning("the prediction log is written again")

    def _gather(self) -> None:
        """Put the small files of the last minute into one: a day has more than readers can open.

        If that fails they stay as they are, for `onramp score` to gather when their day is over.
        """
        for task, files in self._files.items():
            if len(files) > self.most_files:
                taken, self._files[task] = files, []
                attempt(partial(self.log.gather, task, taken))
