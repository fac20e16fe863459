"""What was given with answers and no log has: reasons, and what else a page showed, by receipt.

The prediction log has the score and the features before anybody asks why. Reasons come later and
are worth less than an answer, as are a page's segments and words: they are written a second behind
it, one line of JSON each in one file a day. `kill -9` costs that second; a line that a full disk
tore is skipped by readers. Files go when they are older than receipts are kept; what went last
stands in a file of its own, so that nobody looks for what cannot be there.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from lifecycle.home import RECEIPTS_DAYS, Home
from serving.guard import Failed, attempt

BETWEEN_RECEIPTS = "-"  # of a page's answers, in a page's own receipt
EVERY_SECONDS = 1.0
MOST_WAITING = 20_000  # receipts; some 8 MB
DAY = "%Y%m%d"  # what a file is called
PRUNED = "kept-from"  # the file that says which day is the first to be kept

_logger = logging.getLogger("onramp.serving")


@dataclass(frozen=True)
class Given:
    """The reasons of one answer as they were given: feature and contribution, heaviest first."""

    receipt_id: str
    reasons: tuple[tuple[str, float], ...]

    def body(self) -> dict[str, Any]:
        """What is kept of it."""
        return {"reasons": self.reasons}


@dataclass(frozen=True)
class Shown:
    """What a page showed beside its two answers: the order of its content, segments, the welcome.

    Attributes:
        page: as JSON has it; see `serving.shown`.
    """

    receipt_id: str
    page: Mapping[str, Any]

    def body(self) -> dict[str, Any]:
        """What is kept of it."""
        return {"page": self.page}


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
    """Takes what was given without waiting; a thread of its own writes it, and prunes old days.

    Args:
        folder: of the files.
        days: that they are kept.
    """

    def __init__(self, folder: Path, days: int = RECEIPTS_DAYS) -> None:
        self.folder, self.days = folder, days
        self._pruned = date.min
        self._waiting: deque[Given | Shown] = deque()
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

    def put(self, one: Given | Shown) -> None:
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
        self._prune()
        while not self._stop.wait(EVERY_SECONDS):
            self._flush()
            self._prune()
        self._flush()

    def _prune(self) -> None:
        """Once a day; what cannot be taken away today is tried tomorrow."""
        today = datetime.now(UTC).date()
        if today != self._pruned:
            self._pruned = today
            done = attempt(lambda: prune(self.folder, today - timedelta(days=self.days)))
            if isinstance(done, Failed):
                _logger.warning("old receipts are not taken away: %s", done.reason)

    def _flush(self) -> None:
        taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not taken:
            return
        now = datetime.now(UTC)
        done = attempt(lambda: append(self.folder / f"{now:{DAY}}.jsonl", taken, now))
        if isinstance(done, Failed):
            self._dropped += len(taken)
            self._trouble = done.reason
        else:
            self._written += len(taken)
            self._trouble = ""


def prune(folder: Path, before: date) -> int:
    """Take away the files of the days before this one; how many they were.

    That they are gone is written down first, so that a kill in between leaves nothing that is
    looked for in vain.

    Raises:
        OSError: the disk refuses.
    """
    old = [file for file in folder.glob("*.jsonl") if (day := day_of(file)) and day < before]
    if not old:
        return 0
    noted = folder / f"{PRUNED}.new"
    noted.write_text(before.isoformat(), encoding="ascii")
    noted.replace(folder / PRUNED)
    for file in old:
        file.unlink(missing_ok=True)
    return len(old)


def day_of(file: Path) -> date | None:
    """Which day's it is; None for a file that is none of ours."""
    with suppress(ValueError):
        return datetime.strptime(file.stem, DAY).replace(tzinfo=UTC).date()
    return None


def kept_from(home: Home) -> date | None:
    """The first day whose receipts are still kept; None while none were taken away."""
    with suppress(OSError, ValueError):
        return date.fromisoformat((home.receipts / PRUNED).read_text(encoding="ascii"))
    return None


def append(path: Path, taken: Iterable[Given | Shown], at: datetime) -> None:
    """Write lines at the end; the first begins anew, whatever was torn before it.

    Raises:
        OSError: not all of it was written.
    """
    lines = [
        json.dumps({"receipt_id": one.receipt_id, "at": at.isoformat(), **one.body()})
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


def find(home: Home, receipt_id: str, at: datetime | None = None) -> Given | None:
    """The reasons that were given with an answer; None where none are kept.

    Args:
        home: whose receipts.
        receipt_id: the answer's.
        at: when it was given; without it every file is looked through.
    """
    for kept in kept_lines(home, receipt_id, at):
        with suppress(ValueError, KeyError, TypeError):
            return Given(receipt_id, tuple((str(n), float(c)) for n, c in kept["reasons"]))
    return None


def find_page(home: Home, receipt_id: str, at: datetime | None = None) -> Shown | None:
    """What a page showed; None where it is not kept. As `find`."""
    for kept in kept_lines(home, receipt_id, at):
        if isinstance(kept.get("page"), dict):
            return Shown(receipt_id, kept["page"])
    return None


def kept_lines(home: Home, receipt_id: str, at: datetime | None) -> Iterator[dict[str, Any]]:
    """Every whole line of the receipt, newest day first."""
    wanted = json.dumps(receipt_id).encode()
    # a line is written behind its answer, perhaps after midnight
    days = (
        None if at is None else {f"{at.astimezone(UTC) + timedelta(days=n):{DAY}}" for n in (0, 1)}
    )
    for path in sorted(home.receipts.glob("*.jsonl"), reverse=True):
        if days is not None and path.stem not in days:
            continue
        with path.open("rb") as lines:
            for line in lines:
                if wanted in line and (found := read(line, receipt_id)):
                    yield found


def read(line: bytes, receipt_id: str) -> dict[str, Any] | None:
    """The line, if it is whole and of this receipt."""
    with suppress(ValueError, KeyError, TypeError):
        kept: dict[str, Any] = json.loads(line)
        if kept["receipt_id"] == receipt_id:
            return kept
    return None
