"""Scores by a challenger what the champion has answered, behind the answers and never in their way.

The queue is bounded: where the challenger does not keep up, rows are left out and counted. What it
says goes into the prediction log as `shadow` and to nobody else.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import groupby

from features.online_row import OnlineRow
from lifecycle.prediction import FeatureValue, Prediction
from lifecycle.scorer import names
from serving.answers import Answer, Whose, predictions
from serving.champion import Champion
from serving.features import refuse_missing
from serving.guard import Failed, attempt
from serving.log_writer import Answered, LogWriter
from serving.rollout.seen import Scores
from serving.seat import Beside, Seat

MOST_ROWS = 2_000
AT_ONCE = 100  # rows in one call, so that the interpreter is free again after a moment


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A row that the champion answered, and what the challenger is to be asked.

    Attributes:
        receipt_id: of the champion's row of the log.
        probabilities: class → probability, as the champion gave them.
        known: every feature that is known of the customer, whether the champion uses it or not.
    """

    beside: Beside
    receipt_id: str
    customer_id: str | None
    event_timestamp: datetime | None
    probabilities: Mapping[str, float]
    known: Mapping[str, FeatureValue]


def asked(beside: Beside, rows: Sequence[OnlineRow], answers: Sequence[Answer]) -> list[Asked]:
    """Of an answered question the rows that were scored."""
    return [
        Asked(
            beside=beside, receipt_id=str(given.receipt_id), customer_id=row.customer_id,
            event_timestamp=row.event_timestamp, probabilities=given.probabilities,
            known=row.values,
        )
        for row, given in zip(rows, answers, strict=True)
        if given.status == "scored"
    ]  # fmt: skip


class Shadow:
    """One thread for all tasks."""

    def __init__(self, seats: Mapping[str, Seat]) -> None:
        self.seats = seats
        self._queue: deque[Asked] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._log: LogWriter | None = None
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)

    def start(self, log: LogWriter) -> None:
        """Write into this log from now on."""
        self._log = log
        self._thread.start()

    def stop(self) -> None:
        """End; what still waits is left out."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    def put(self, rows: Sequence[Asked]) -> None:
        """Take the rows, or count them as dropped. Never waits."""
        with self._wake:
            room = 0 if self._stopping else MOST_ROWS - len(self._queue)
            taken, left = rows[:room], rows[room:]
            self._queue.extend(taken)
            if taken:
                self._wake.notify()
        if left:
            left[0].beside.seen.dropped(len(left))

    def sent(self, rows: Sequence[Prediction]) -> None:
        """Take what callers of `/invocations` sent, from rows on their way into the log."""
        found = []
        for row in rows:
            if row.origin != "invocations" or row.task not in self.seats:
                continue
            sitting = self.seats[row.task].sitting
            beside = sitting.beside if sitting else None
            if beside and beside.shadow and row.version == beside.plan.champion:
                found.append(
                    Asked(
                        beside=beside, receipt_id=row.receipt_id, customer_id=row.customer_id,
                        event_timestamp=row.event_timestamp, probabilities=row.probabilities,
                        known=row.features,
                    )
                )  # fmt: skip
        if found:
            self.put(found)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._stopping:
                    self._wake.wait()
                if self._stopping:
                    return
                taken = [self._queue.popleft() for _ in range(min(AT_ONCE, len(self._queue)))]
            for group in alike(taken):
                self._score(group)

    def _score(self, rows: Sequence[Asked]) -> None:
        beside = rows[0].beside
        made = attempt(lambda: said(beside.challenger.champion, rows))
        if isinstance(made, Failed):
            beside.seen.failed(made.reason)
            return
        if self._log is not None:
            self._log.put(Answered(tuple(made.value)))
        # no times: in a thread of its own they cannot be held against the champion's
        beside.seen.answered("champion", [compared(beside, one) for one in rows])
        beside.seen.answered("challenger", [compared(beside, one) for one in made.value])


def alike(rows: Sequence[Asked]) -> list[list[Asked]]:
    """Runs of rows for the same challenger."""
    return [list(run) for _, run in groupby(rows, key=lambda one: id(one.beside))]


def said(challenger: Champion, rows: Sequence[Asked]) -> list[Prediction]:
    """The challenger's rows of the log.

    Raises:
        NotReady: it learned from a feature that is not known of somebody.
        DataError: it answers with what is no number.
    """
    for one in rows:
        refuse_missing(challenger, one.known)
    wanted = names(challenger.scorer)
    vectors = [{name: one.known[name] for name in wanted} for one in rows]
    whose = [
        Whose(receipt(one.receipt_id, challenger.version), one.customer_id, one.event_timestamp)
        for one in rows
    ]
    return predictions(challenger, whose, vectors, "shadow")


def receipt(answered: str, version: int) -> str:
    """Of what a version says in the shadow of an answer; whoever has the one finds the other."""
    return blake2b(f"{answered}\x1f{version}".encode(), digest_size=12).hexdigest()


def compared(beside: Beside, one: Asked | Prediction) -> tuple[str, Scores]:
    """Who was scored, and how; rows that were sent without a customer are each one of their own."""
    scores = tuple(one.probabilities.get(name, 0.0) for name in beside.seen.classes)
    return one.customer_id or one.receipt_id, scores
