"""Questions by customer: all that came while the last were answered go to the store together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import islice
from typing import Generic, TypeVar

from serving.guard import Done, Failed, attempt
from serving.quick.lane import Lane

W = TypeVar("W")
A = TypeVar("A")

MOST_CUSTOMERS = 1_000  # in one question, and in one look-up


class Customers(Generic[W, A]):
    """One hop into the store's thread and back, and one look-up for each who answers.

    What one who answers fails at, the questions to others do not suffer from.
    """

    def __init__(
        self, answer: Callable[[W, Sequence[str]], Sequence[A]], executor: Executor
    ) -> None:
        """Set up.

        Args:
            answer: who answers, customers → one answer each, in order.
            executor: where the store is asked.
        """
        self.answer = answer
        self._lane: Lane[tuple[W, Sequence[str]], Done[Sequence[A]] | Failed] = Lane(
            self._answers, most=MOST_CUSTOMERS, executor=executor
        )

    async def ask(self, who: W, customers: Sequence[str]) -> Done[Sequence[A]] | Failed:
        """One answer a customer, in order, or why there are none."""
        told = await self._lane.ask((who, customers), len(customers))
        return told if isinstance(told, Failed) else told.value

    def _answers(
        self, questions: Sequence[tuple[W, Sequence[str]]]
    ) -> Sequence[Done[Sequence[A]] | Failed]:
        asked: dict[int, tuple[W, list[str]]] = {}
        for who, customers in questions:
            asked.setdefault(id(who), (who, []))[1].extend(customers)
        told = {key: attempt(partial(self.answer, *one)) for key, one in asked.items()}
        left = {key: iter(one.value) for key, one in told.items() if isinstance(one, Done)}
        return [share(told[id(who)], left.get(id(who)), len(some)) for who, some in questions]


def share(
    told: Done[Sequence[A]] | Failed, left: Iterator[A] | None, count: int
) -> Done[Sequence[A]] | Failed:
    """The next answers of a look-up, or why it has none."""
    if isinstance(told, Failed) or left is None:
        return told
    return Done(tuple(islice(left, count)))
