"""Events over HTTP: kept at once, and in the customers' features a moment later.

What waits while the last events are worked on is taken together: to judge, to keep and to compute
cost nearly the same for one customer and for a hundred. Nobody waits for a timer.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from features.fresh.freshened import Freshened
from features.online_time import datetime_of
from ingestion.drain import drain
from ingestion.live import LiveEvents, Taken
from lifecycle.errors import NotReady, OnrampError
from lifecycle.event_journal import EventJournal, Row
from lifecycle.home import Home
from serving.fresh_path import FreshPath
from serving.guard import Done, Failed, attempt

# Events worked on at once, and those that may wait; past them a request is sent away.
AT_ONCE = 5_000
MOST_WAITING = 20_000
# The journal goes to the event store this often.
DRAIN_SECONDS = 60.0
RETRY_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What came of one request's events; they are on disk.

    Attributes:
        moment: µs since 1970, UTC; the rows that hold them have it.
        reasons: one an event; None: it is kept.
    """

    moment: int
    reasons: tuple[str | None, ...]

    def body(self) -> dict[str, Any]:
        """What the answer says."""
        refused = [
            {"event": place, "reason": reason}
            for place, reason in enumerate(self.reasons)
            if reason is not None
        ]
        return {
            "kept": self.reasons.count(None),
            "quarantined": refused,
            "moment": datetime_of(self.moment).isoformat(),
        }


@dataclass(frozen=True)
class Request:
    """Events that wait for their turn; `came` on the monotonic clock."""

    rows: Sequence[Row]
    came: float = field(default_factory=time.monotonic)
    kept: Future[Kept] = field(default_factory=Future)
    visible: Future[Done[Freshened] | Failed] = field(default_factory=Future)


@dataclass(frozen=True, kw_only=True)
class FreshState:
    """How fresh features fare, for /ready.

    Attributes:
        events: taken since the start; `kept` of them.
        refused: sent away or lost hold of, all to be sent again: too many waited, the server
            ended, or the disk refused them.
        late: customers whose rows are still to be written.
        trouble: why they are; None: all is well.
    """

    events: int = 0
    kept: int = 0
    refused: int = 0
    late: int = 0
    trouble: str | None = None


class FreshLane:
    """A thread that works on events in the order in which they came.

    Args:
        home: with a data set that live events fit.
        days: of the training moments after sign-up.
        drain_seconds: how often the journal goes to the event store.
        measure: told of each request whose features the online store has: how many events were
            kept, and the seconds from when they came.
    """

    def __init__(
        self,
        home: Home,
        days: Sequence[int],
        *,
        drain_seconds: float = DRAIN_SECONDS,
        measure: Callable[[int, float], None] = lambda events, seconds: None,  # noqa: ARG005  nobody measures
    ) -> None:
        self.home, self.days, self.drain_seconds = home, tuple(days), drain_seconds
        self.measure = measure
        self._waiting: deque[Request] = deque()
        self._rows = 0
        self._change = threading.Condition()
        self._ending = False
        self._opening = threading.Lock()
        self._path: FreshPath | None = None
        self._thread: threading.Thread | None = None
        self._drainer: threading.Thread | None = None
        self._settled = threading.Event()
        self._state = FreshState()
        self._refused = 0

    def state(self) -> dict[str, Any]:
        """How it fares."""
        return asdict(replace(self._state, refused=self._refused))

    def fields(self) -> tuple[str, ...]:
        """What an event of this data set may hold; nothing where it takes none."""
        opened = attempt(self._reader)
        return opened.value.columns if isinstance(opened, Done) else ()

    def start(self) -> None:
        """Carry on where a killed process stopped; without a journal there is nothing to do."""
        if EventJournal(self.home).path.exists():
            self._begin()

    def stop(self) -> None:
        """Finish what was taken, and bring it to the event store."""
        with self._change:
            self._ending = True
            self._change.notify_all()
        for thread in (self._thread, self._drainer):
            if thread is not None:
                thread.join()
        if self._thread is not None:
            attempt(lambda: drain(self.home))

    def put(self, events: Sequence[object]) -> Request:
        """Let events wait for their turn.

        Raises:
            UsageError: one is no event; the message says which.
            NotReady: too many wait already, or the server ends.
        """
        rows = self._reader().read(events)
        with self._change:
            if self._ending or self._rows + len(rows) > MOST_WAITING:
                self._refused += len(rows)
                raise NotReady(
                    "Events cannot be taken now.",
                    found="The server ends." if self._ending else f"{self._rows} wait already.",
                    do="Send them again.",
                )
            request = Request(rows)
            self._waiting.append(request)
            self._rows += len(rows)
            self._change.notify_all()
        self._begin()
        return request

    def _reader(self) -> LiveEvents:
        with self._opening:
            if self._path is None:
                try:
                    self._path = FreshPath(self.home, self.days)
                except OnrampError as error:
                    raise NotReady("Events cannot be taken.", found=str(error)) from error
        return self._path.live

    def _begin(self) -> None:
        with self._opening:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="events", daemon=True)
                self._drainer = threading.Thread(target=self._drain, name="drain", daemon=True)
                self._thread.start()
                self._drainer.start()

    def _work(self) -> None:
        """Until the end: take all that waits, then compute for all who are late."""
        opened = attempt(self._reader)
        while True:
            batch = self._next()
            if batch is None:
                return
            if isinstance(opened, Failed):
                opened = attempt(self._reader)
            path = self._path
            if path is None:
                self._refuse(batch, str(getattr(opened, "reason", "")))
                continue
            if self._settled.is_set():
                self._settled.clear()
                path.settled()
            self._do(path, batch)

    def _next(self) -> list[Request] | None:
        """What waits; empty when it is time to try again for who is late; None at the end."""
        with self._change:
            if not self._waiting and not self._ending:
                late = self._path is not None and bool(self._path.late)
                self._change.wait(RETRY_SECONDS if late or self._path is None else None)
            batch: list[Request] = []
            rows = 0
            while self._waiting and rows < AT_ONCE:
                batch.append(self._waiting.popleft())
                rows += len(batch[-1].rows)
            self._rows -= rows
            return None if self._ending and not batch else batch

    def _do(self, path: FreshPath, batch: Sequence[Request]) -> None:
        rows = [row for request in batch for row in request.rows]
        taken = attempt(lambda: path.take(rows)) if rows else None
        if isinstance(taken, Failed):
            self._refuse(batch, taken.reason)
        elif taken is not None:
            tell(batch, taken.value)
        found = attempt(path.refresh)
        kept = taken.value.kept if isinstance(taken, Done) else 0
        self._state = FreshState(
            events=self._state.events + (0 if isinstance(taken, Failed) else len(rows)),
            kept=self._state.kept + kept,
            late=len(path.late),
            trouble=next((one.reason for one in (taken, found) if isinstance(one, Failed)), None),
        )
        if isinstance(taken, Done) and isinstance(found, Done):
            now = time.monotonic()
            for request in batch:
                self.measure(request.kept.result().reasons.count(None), now - request.came)
        for request in batch:  # last: whoever waited finds it counted
            request.visible.set_result(
                found if isinstance(found, Failed) else Done(found.value or NOBODY)
            )

    def _refuse(self, batch: Sequence[Request], reason: str) -> None:
        with self._change:
            self._refused += sum(len(request.rows) for request in batch)
        refuse(batch, reason)

    def _drain(self) -> None:
        """Bring the journal to the event store now and then; what fails is tried again."""
        journal = EventJournal(self.home)
        while not self._ending:
            with self._change:
                self._change.wait_for(lambda: self._ending, self.drain_seconds)
            if not self._ending and journal.waiting():
                attempt(lambda: drain(self.home))
                self._settled.set()
                with self._change:
                    self._change.notify_all()


NOBODY = Freshened(moment=datetime_of(0), rows={}, held_back={}, nobody=frozenset())


def tell(batch: Iterable[Request], taken: Taken) -> None:
    """Give each request what came of its own events."""
    reasons = iter(taken.reasons)
    for request in batch:
        own = tuple(next(reasons) for _ in request.rows)
        request.kept.set_result(Kept(moment=taken.moment, reasons=own))


def refuse(batch: Iterable[Request], reason: str) -> None:
    for request in batch:
        request.kept.set_exception(
            NotReady("The events cannot be kept.", found=reason, do="Send them again.")
        )
