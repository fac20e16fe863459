"""serving.quick.customers: those who are asked for together are looked up together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from serving.guard import Done, Failed
from serving.quick.customers import Customers

CHURN, PREFERENCE = "churn", "preference"


@dataclass
class Store:
    """Answers with who answers whom; keeps what it was asked, and fails for some who answer."""

    fails: frozenset[str] = frozenset()
    asked: list[tuple[str, list[str]]] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)

    def answer(self, who: str, customers: Sequence[str]) -> Sequence[str]:
        assert self.go.wait(120)
        self.asked.append((who, list(customers)))
        if who in self.fails:
            raise ValueError(f"{who} is down")
        return [f"{who} of {customer}" for customer in customers]


Question = tuple[str, Sequence[str]]


def ask(store: Store, *questions: Question) -> list[Done[Sequence[str]] | Failed]:
    async def every(pool: ThreadPoolExecutor) -> list[Done[Sequence[str]] | Failed]:
        customers = Customers(store.answer, pool)
        return await asyncio.gather(*(customers.ask(*question) for question in questions))

    store.go.set()
    with ThreadPoolExecutor(max_workers=1) as pool:
        return asyncio.run(every(pool))


def test_one_look_up_for_each_who_answers() -> None:
    """Three callers and two tasks are two look-ups, and each caller has its own answers."""
    store = Store()
    found = ask(store, (CHURN, ["a", "b"]), (PREFERENCE, ["a"]), (CHURN, ["c", "a"]))
    assert store.asked == [(CHURN, ["a", "b", "c", "a"]), (PREFERENCE, ["a"])]
    assert found == [
        Done(("churn of a", "churn of b")),
        Done(("preference of a",)),
        Done(("churn of c", "churn of a")),
    ]


def test_a_failure_is_its_own() -> None:
    """Who asks one that fails is told so; the others have their answers."""
    found = ask(Store(frozenset({CHURN})), (CHURN, ["a"]), (PREFERENCE, ["a"]), (CHURN, ["b"]))
    down = Failed("ValueError: churn is down")
    assert found == [down, Done(("preference of a",)), down]


@given(
    st.lists(
        st.tuples(st.sampled_from([CHURN, PREFERENCE]), st.lists(st.text(max_size=2), max_size=9)),
        max_size=8,
    )
)
@settings(max_examples=30, deadline=None)
def test_everybody_gets_what_they_asked_for(questions: list[Question]) -> None:
    """However many ask for however many, answers are not mixed up and none is lost."""
    found = ask(Store(), *questions)
    assert found == [Done(tuple(f"{who} of {c}" for c in some)) for who, some in questions]
