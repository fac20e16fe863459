"""The reasons that were given with answers, by receipt, so that a past answer can be shown whole.

The prediction log has the score and the features before anybody asks why. Reasons come later and
are worth less than an answer: they are written a second behind it, one line of JSON each in one
file a day. `kill -9` costs that second; a line that a full disk tore is skipped by readers.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lifecycle.home import Home
from serving.guard import Failed, attempt

BETWEEN_RECEIPTS = "-"  # of a page's answers, in a page's own receipt
EVERY_SECONDS = 1.0
MOST_WAITING = 20_000  # receipts; some 6 MB


@dataclass(frozen=True)
class Given:
    """The reasons of one answer as they were given: feature and contribution, heaviest first."""

    receipt_id: str
    reasons: tuple[tuple[str, float], ...]


def given(receipt_id: str, reasons: Sequence[Mapping[str, Any]]) -> Given:
    """What is kept of reasons; value and words follow from the version and the logged features."""
    return Given(receipt_id, tuple((str(r["feature"]), float(r["contribution"])) for r in reasons))


@dataclass(frozen=True, kw_only=True)
class ReceiptState:
    """Receipts since the server started, and why the last write failed; empty when it did not."""

    written: int
    dropped: int
    waiting: int
    trouble: str


class Receipts:
    """Takes reasons without waiting and writes them from a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._waiting: deque[Given] = deque()
        self._written = self._dropped = 0
        self._trouble = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receipts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what is waiting, then end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def put(self, one: Given) -> None:
        """Take it, or count it as dropped when too many wait."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(one)
        else:
            self._dropped += 1

    def state(self) -> ReceiptState:
        return ReceiptState(
            written=self._written,
            dropped=self._dropped,
            waiting=len(self._waiting),
            trouble=self._trouble,
        )

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not taken:
            return
        now = datetime.now(UTC)
        done = attempt(lambda: append(self.folder / f"{now:%Y%m%d}.jsonl", taken, now))
        if isinstance(done, Failed):
            self._dropped += len(taken)
            self._trouble = done.reason
        else:
            self._written += len(taken)
            self._trouble = ""


def append(path: Path, taken: Iterable[Given], at: datetime) -> None:
    """Write lines at the end; the first begins anew, whatever was torn before it.

    Raises:
        OSError: not all of it was written.
    """
    lines = [
        json.dumps({"receipt_id": one.receipt_id, "at": at.isoformat(), "reasons": one.reasons})
        for one in taken
    ]
    data = "\n".join(["", *lines, ""]).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    target = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        written = os.write(target, data)
    finally:
        os.close(target)
    if written < len(data):
        raise OSError(f"{written} of {len(data)} bytes of {path.name} were written")


def find(home: Home, receipt_id: str) -> Given | None:
    """The reasons that were given with an answer; None where none are kept."""
    wanted = json.dumps(receipt_id).encode()
    for path in sorted(home.receipts.glob("*.jsonl"), reverse=True):
        with path.open("rb") as lines:
            for line in lines:
                if wanted in line and (found := read(line, receipt_id)):
                    return found
    return None


def read(line: bytes, receipt_id: str) -> Given | None:
    """The line's reasons, if it is whole and of this receipt."""
    with suppress(ValueError, KeyError, TypeError):
        kept = json.loads(line)
        if kept["receipt_id"] == receipt_id:
            return Given(receipt_id, tuple((str(n), float(c)) for n, c in kept["reasons"]))
    return None
