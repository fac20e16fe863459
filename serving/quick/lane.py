"""Questions that queue while others are worked on are taken as one batch; nobody waits for a timer.

A lane works on one batch at a time. The first question starts one on the event loop's next turn,
so that whatever arrived in the same turn goes along; the next batch is all that came meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from serving.guard import Done, Failed, attempt

Q = TypeVar("Q")
A = TypeVar("A")

STOPPING = Failed("The server is stopping.")


@dataclass(frozen=True)
class Waiting(Generic[Q, A]):
    """A question of some size, and the future of its answer."""

    question: Q
    size: int
    answer: asyncio.Future[Done[A] | Failed]


class Lane(Generic[Q, A]):
    """One lane. Its methods belong to one event loop at a time."""

    def __init__(
        self,
        work: Callable[[Sequence[Q]], Sequence[A]],
        *,
        most: int,
        executor: Executor | None = None,
    ) -> None:
        """Set up.

        Args:
            work: questions → one answer each, in order. When it fails all of them have failed.
            most: how much goes into one batch; a larger question goes alone.
            executor: where the work is done; None: on the event loop itself, for work so short
                that another thread would cost more than it saves.
        """
        self.work, self.most, self.executor = work, most, executor
        self._waiting: deque[Waiting[Q, A]] = deque()
        self._busy = False

    async def ask(self, question: Q, size: int = 1) -> Done[A] | Failed:
        """The answer, or why there is none. Who stops waiting is passed over."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Done[A] | Failed] = loop.create_future()
        self._waiting.append(Waiting(question, size, answer))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._next, loop)
        return await answer

    def now(self, question: Q) -> Done[A] | Failed | None:
        """The answer on the spot; None where others are asked or the work is done elsewhere."""
        if self._waiting or self.executor is not None:
            return None
        made = attempt(lambda: self.work([question]))
        return made if isinstance(made, Failed) else Done(made.value[0])

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin the next batch, or rest."""
        batch = self._batch()
        if not batch:
            self._busy = False
        elif self.executor is None:
            tell(batch, attempt(partial(self._worked, batch)))
            loop.call_soon(self._next, loop)
        else:
            self._hand_over(loop, batch, self.executor)

    def _hand_over(
        self, loop: asyncio.AbstractEventLoop, batch: Sequence[Waiting[Q, A]], executor: Executor
    ) -> None:
        def ended(working: asyncio.Future[Done[Sequence[A]] | Failed]) -> None:
            tell(batch, STOPPING if working.cancelled() else working.result())
            self._next(loop)

        try:
            working = loop.run_in_executor(executor, attempt, partial(self._worked, batch))
        except RuntimeError:  # it takes no more work
            tell(batch, STOPPING)
            loop.call_soon(self._next, loop)
        else:
            working.add_done_callback(ended)

    def _worked(self, batch: Sequence[Waiting[Q, A]]) -> Sequence[A]:
        answers = self.work([one.question for one in batch])
        if len(answers) != len(batch):
            raise ValueError(f"{len(batch)} questions have {len(answers)} answers.")
        return answers

    def _batch(self) -> list[Waiting[Q, A]]:
        """Those at the head of the queue who still wait, as many as go together."""
        batch: list[Waiting[Q, A]] = []
        room = self.most
        while self._waiting and (not batch or self._waiting[0].size <= room):
            one = self._waiting.popleft()
            if not one.answer.done():
                batch.append(one)
                room -= one.size
        return batch


def tell(batch: Sequence[Waiting[Q, A]], ended: Done[Sequence[A]] | Failed) -> None:
    """Everybody who still waits learns how it ended."""
    for place, one in enumerate(batch):
        if not one.answer.done():
            one.answer.set_result(ended if isinstance(ended, Failed) else Done(ended.value[place]))
