"""serving.quick.lane: what queues while others are worked on goes together, and nobody hangs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.guard import Done, Failed
from serving.quick.lane import Lane

Work = Callable[[Sequence[int]], Sequence[int]]


class Doubled:
    """Doubles numbers and keeps what came together; waits for `go` where it has one."""

    def __init__(self, go: threading.Event | None = None) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go = threading.Event(), go

    def __call__(self, numbers: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(numbers))
        self.begun.set()
        if self.go is not None:
            assert self.go.wait(120)
        return [2 * number for number in numbers]


async def asked(lane: Lane[int, int], numbers: Sequence[int]) -> list[Done[int] | Failed]:
    return await asyncio.gather(*(lane.ask(number) for number in numbers))


def run(
    work: Work, numbers: Sequence[int], *, most: int = 100, executor: Executor | None = None
) -> list[Done[int] | Failed]:
    return asyncio.run(asked(Lane(work, most=most, executor=executor), numbers))


@given(st.lists(st.integers(), max_size=40), st.integers(1, 7), st.booleans())
@settings(max_examples=60, deadline=None)
def test_each_gets_its_own_answer(numbers: list[int], most: int, threaded: bool) -> None:
    """Whatever goes together, answers come back to whom they belong, in batches small enough."""
    work = Doubled()
    with ThreadPoolExecutor(max_workers=1) as pool:
        found = run(work, numbers, most=most, executor=pool if threaded else None)
    assert found == [Done(2 * number) for number in numbers]
    assert [n for batch in work.batches for n in batch] == numbers
    assert all(len(batch) <= most for batch in work.batches)


def test_what_arrives_in_one_turn_goes_together() -> None:
    """Questions of one turn of the event loop are one batch: no timer is waited for."""
    work = Doubled()
    run(work, range(5))
    assert work.batches == [[0, 1, 2, 3, 4]]


def test_what_queues_meanwhile_is_the_next_batch() -> None:
    """While the first is worked on in a thread, the others gather."""
    work = Doubled(threading.Event())

    async def scene(lane: Lane[int, int]) -> list[Done[int] | Failed]:
        first = asyncio.ensure_future(lane.ask(0))
        assert await asyncio.to_thread(work.begun.wait, 20)
        others = [asyncio.ensure_future(lane.ask(n)) for n in (1, 2, 3)]
        await asyncio.sleep(0)
        assert work.go is not None
        work.go.set()
        return await asyncio.gather(first, *others)

    with ThreadPoolExecutor(max_workers=1) as pool:
        found = asyncio.run(scene(Lane(work, most=10, executor=pool)))
    assert found == [Done(0), Done(2), Done(4), Done(6)]
    assert work.batches == [[0], [1, 2, 3]]


def test_a_large_question_goes_alone() -> None:
    """More than fits is not refused; it waits for no company."""
    work = Doubled()

    async def scene() -> list[Done[int] | Failed]:
        lane = Lane(work, most=10)
        return await asyncio.gather(lane.ask(1, 4), lane.ask(2, 40), lane.ask(3, 4), lane.ask(4, 6))

    assert asyncio.run(scene()) == [Done(2), Done(4), Done(6), Done(8)]
    assert work.batches == [[1], [2], [3, 4]]


def broken(numbers: Sequence[int]) -> Sequence[int]:
    raise ValueError(f"no {len(numbers)}")


@pytest.mark.parametrize(("work", "words"), [
    (broken, "ValueError: no 3"),
    (lambda numbers: numbers[1:], "ValueError: 3 questions have 2 answers."),
])  # fmt: skip
def test_a_failure_is_told_to_all(work: Work, words: str) -> None:
    """Work that fails, or answers too few, leaves nobody waiting, and the lane goes on."""

    async def scene(lane: Lane[int, int]) -> None:
        assert await asked(lane, (1, 2, 3)) == [Failed(words)] * 3
        lane.work = Doubled()
        assert await lane.ask(4) == Done(8)

    asyncio.run(scene(Lane(work, most=10)))


def test_who_stops_waiting_is_passed_over() -> None:
    """A caller whose time is up is not worked for, and holds up nobody."""
    work = Doubled()

    async def scene(lane: Lane[int, int]) -> Done[int] | Failed:
        gone = asyncio.ensure_future(lane.ask(1))
        stays = asyncio.ensure_future(lane.ask(2))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert asyncio.run(scene(Lane(work, most=10))) == Done(4)
    assert work.batches in ([[2]], [[1, 2]])


def test_a_closed_executor_is_said() -> None:
    """Whoever asks while the server stops gets a reason, not silence."""
    pool = ThreadPoolExecutor(max_workers=1)
    pool.shutdown()
    assert run(Doubled(), (1, 2), executor=pool) == [Failed("The server is stopping.")] * 2


def test_an_idle_lane_answers_on_the_spot() -> None:
    """Unless others wait, or the work is done elsewhere; a failure is a reason as ever."""

    def failing(_: Sequence[int]) -> Sequence[int]:
        raise OSError("no disk")

    async def asked_now() -> None:
        work = Doubled()
        lane = Lane(work, most=10)
        assert lane.now(4) == Done(8)
        waiting = asyncio.ensure_future(lane.ask(1))
        await asyncio.sleep(0)
        assert lane.now(5) is None
        assert await waiting == Done(2)
        assert work.batches == [[4], [1]]
        assert isinstance(Lane(failing, most=10).now(1), Failed)
        with ThreadPoolExecutor(max_workers=1) as pool:
            assert Lane(work, most=10, executor=pool).now(1) is None

    asyncio.run(asked_now())
