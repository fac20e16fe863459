"""One process that answers for several tasks: the seats, the online store, the prediction log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from features.clock import clock
from features.online_row import OnlineRow
from features.store import definitions, online
from lifecycle.errors import NotReady, UnknownName
from lifecycle.home import Home
from lifecycle.prediction import Origin, Prediction
from lifecycle.prediction_log import PredictionLog
from lifecycle.registry import Registry
from lifecycle.task import Task
from serving.answers import Answer, Lookup, answer, givers
from serving.champion import Champion
from serving.features import refuse_changed
from serving.fresh import FreshLane
from serving.guard import Failed, attempt
from serving.invocations import around
from serving.log_writer import LogWriter
from serving.metrics.instruments import Metrics
from serving.personal import Personal
from serving.quick.customers import Customers
from serving.reasons import Explaining
from serving.receipts import Receipts, Shown, given
from serving.rollout.answering import answer_each
from serving.rollout.shadow import Shadow
from serving.seat import Seat, Sitting
from serving.segment import SERVICE
from serving.watch import Watch

ASK_SECONDS = 2.0


class Service:
    """Starts and stops with the server's process.

    Customers are looked up and scored in one thread: Feast's online store is one connection a
    process, and a second thread would only take turns with the first for the interpreter. Those
    who are asked for while it works are its next batch.
    """

    def __init__(self, home: Home, tasks: Sequence[Task], lookup: Lookup | None = None) -> None:
        self.tasks = tuple(task.name for task in tasks)
        self.seats = {name: Seat(name) for name in self.tasks}
        dataset = home.dataset()
        self.lookup = lookup or partial(online, home)
        self.definitions = partial(definitions, home) if lookup is None else unknown
        self.now = wall if dataset.clock == "wall" else partial(clock, home)
        self.metrics = Metrics(self.now)
        self.shadow = Shadow(self.seats)
        self.log = LogWriter(PredictionLog(home), seen=self._logged)
        self.metrics.watch(self.seats, self.log.state)
        self.watch = Watch(
            Registry(home), tuple(self.seats.values()), partial(around, log=self.log)
        )
        days = sorted({day for task in tasks for day in task.moments})
        self.fresh = FreshLane(home, days, measure=self.metrics.visible)
        self.metrics.follow(self.fresh.state)
        self.receipts = Receipts(home.receipts, home.receipts_days)
        self.personal = Personal(home, dataset, self)
        self._lane = ThreadPoolExecutor(max_workers=1, thread_name_prefix="answers")
        self._asking = Customers(self._answer, self._lane)
        self._explaining = Explaining()

    async def start(self) -> None:
        """Seat the champions and open the online store, so that the first answer is quick."""
        self.log.start()
        self.receipts.start()
        self.shadow.start(self.log)
        await asyncio.to_thread(self.watch.start)
        for name in (*self.tasks, SERVICE):
            await self._in_lane(partial(self.lookup, name, ("nobody",), now=wall()))
        await asyncio.to_thread(self.fresh.start)

    async def stop(self) -> None:
        """Write out the prediction log. Requests have ended by now."""
        await asyncio.to_thread(self.watch.stop)
        self._lane.shutdown(wait=False, cancel_futures=True)
        self._explaining.stop()
        await asyncio.to_thread(self.shadow.stop)
        await asyncio.to_thread(self.log.stop)
        await asyncio.to_thread(self.fresh.stop)
        await asyncio.to_thread(self.receipts.stop)

    def seat(self, task: str) -> Seat:
        """The task's seat.

        Raises:
            UnknownName: this server answers for no such task.
        """
        if task not in self.seats:
            raise UnknownName("task", task, self.seats)
        return self.seats[task]

    async def ask(self, task: str, customers: Sequence[str]) -> tuple[Champion, Sequence[Answer]]:
        """Answer for customers with the features that the online store has of them.

        Returns:
            The version that answered, and the answers. Of several customers the champion, while
            a canary takes some of them: each answer says who gave it.

        Raises:
            UnknownName: this server answers for no such task.
            NotReady: no champion, or the online store fails or takes longer than 2 s.
        """
        try:
            champion, answers = await self._ask(task, customers)
        except (NotReady, asyncio.CancelledError):  # a page does not wait as long
            self.metrics.customers(task, ["unavailable"] * len(customers))
            raise
        self.metrics.customers(task, [given.status for given in answers])
        return champion, answers

    async def _ask(self, task: str, customers: Sequence[str]) -> tuple[Champion, Sequence[Answer]]:
        sitting = self.seat(task).taken()
        asking = self._asking.ask(sitting, customers)
        try:
            asked = await asyncio.wait_for(asking, ASK_SECONDS)
        except TimeoutError as error:
            raise NotReady(
                "The online store is too slow.",
                found=f"No answer in {ASK_SECONDS:g} s.",
                do="Try again; look at its load.",
            ) from error
        if isinstance(asked, Failed):
            raise NotReady("The online store cannot be asked.", found=asked.reason)
        answers: Sequence[Answer] = asked.value
        alone = answers[0].by if len(answers) == 1 else None
        return alone or sitting.champion, answers

    async def segments(self, customer: str) -> tuple[OnlineRow, datetime]:
        """What the online store knows of the customer's segments, and at which time it was asked.

        Raises:
            NotReady: it cannot be asked.
        """
        asked = await self._in_lane(partial(self._segments, customer))
        if isinstance(asked, Failed):
            raise NotReady("The segments cannot be asked for.", found=asked.reason)
        found: tuple[OnlineRow, datetime] = asked.value
        return found

    async def explain(
        self, champion: Champion, answers: Sequence[Answer], reasons: int
    ) -> Sequence[Answer]:
        """The answers with their reasons, where there are any to be had in time."""
        if not reasons:
            return answers
        told: dict[str | None, Any] = {}
        for by, those in givers(answers, champion):
            why = await self._explaining.of(by, [one.features for one in those], reasons)
            told.update(zip((one.receipt_id for one in those), why or (), strict=False))
        for receipt, why in told.items():
            self.receipts.put(given(str(receipt), why))
        return [replace(one, reasons=told.get(one.receipt_id)) for one in answers]

    def keep(self, page: Shown) -> None:
        """Keep what a page showed, behind its answer."""
        self.receipts.put(page)

    def ready(self) -> dict[str, Any]:
        """Who serves, and how the prediction log fares."""
        return {
            "ready": all(seat.sitting is not None for seat in self.seats.values()),
            "tasks": {name: seat.state() for name, seat in self.seats.items()},
            "prediction_log": asdict(self.log.state()),
            "events": self.fresh.state(),
            "receipts": asdict(self.receipts.state()),
        }

    def _answer(self, sitting: Sitting, customers: Sequence[str]) -> Sequence[Answer]:
        task, now = sitting.champion.task, self.now()
        today = self.definitions(task)

        def by(who: Champion, rows: Sequence[OnlineRow], origin: Origin) -> Sequence[Answer]:
            refuse_changed(who, today)
            return answer(who, rows, now, self.log, origin)

        return answer_each(sitting, self.lookup(task, customers, now=now), by, self.shadow)

    def _logged(self, rows: Sequence[Prediction]) -> None:
        """Show rows on their way into the log to whoever counts or repeats them."""
        self.metrics.answered(rows)
        self.shadow.sent(rows)

    def _segments(self, customer: str) -> tuple[OnlineRow, datetime]:
        now = self.now()
        return self.lookup(SERVICE, (customer,), now=now)[0], now

    async def _in_lane(self, step: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._lane, attempt, step)


def unknown(task: str) -> Mapping[str, str]:  # noqa: ARG001  as `features.store.definitions`
    """Of features that do not come from Feast no definition is known."""
    return {}


def wall() -> datetime:
    return datetime.now(UTC)
