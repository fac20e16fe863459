"""serving.patience: a store that hangs is given up at once, one that is busy is waited for."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from itertools import count
from typing import Any

from serving.guard import Done, Failed
from serving.patience import BEAT_SECONDS, BUSY, BUSY_AFTER, HANGS, HANGS_AFTER, Patience
from serving.starved import waited_for_cpu

LONG = 30.0


def never() -> float:
    """A machine with time for us, whatever else runs on this one."""
    return 0.0


async def after(seconds: float, value: str = "answer") -> str:
    await asyncio.sleep(seconds)
    return value


async def failing(error: Exception) -> str:
    raise error


def test_promised_times_are_kept_by_the_numbers() -> None:
    """A page goes out within 50 ms where the store hangs, and within 200 where it is busy."""
    assert HANGS_AFTER * (BEAT_SECONDS + 0.001) <= 0.042
    assert BUSY_AFTER * BEAT_SECONDS <= 0.18


def test_an_answer_is_handed_on_and_a_failure_is_a_reason() -> None:
    """Whatever the question raises, foreseen or not, it is a value with a reason."""

    async def both() -> list[Any]:
        patience = Patience(never)
        return [
            await patience.wait("churn", after(0)),
            await patience.wait("churn", failing(OSError("the disk is gone"))),
        ]

    assert asyncio.run(both()) == [Done("answer"), Failed("OSError: the disk is gone")]


def test_a_store_that_hangs_is_given_up() -> None:
    """In the time that is promised and not when it would answer; what was asked is cancelled."""

    async def hang() -> tuple[Any, float, bool]:
        asked = asyncio.Event()

        async def forever() -> None:
            try:
                await asyncio.sleep(LONG)
            except asyncio.CancelledError:
                asked.set()
                raise

        began = time.perf_counter()
        given = await Patience(never).wait("churn", forever())
        took = time.perf_counter() - began
        await asyncio.wait_for(asked.wait(), LONG)
        return given, took, asked.is_set()

    given, took, cancelled = asyncio.run(hang())
    assert given == HANGS
    assert took >= HANGS_AFTER * BEAT_SECONDS * 0.9
    assert took < LONG / 10
    assert cancelled


def test_a_queue_that_moves_is_waited_in() -> None:
    """While others of the same store are answered, an answer may take longer than a hang."""
    slow = BEAT_SECONDS * (HANGS_AFTER + 4)

    async def queue() -> Any:
        patience = Patience(never)
        last = asyncio.ensure_future(patience.wait("churn", after(slow, "last")))
        while not last.done():
            await patience.wait("churn", after(BEAT_SECONDS / 2))
        return await last

    assert asyncio.run(queue()) == Done("last")


def test_others_of_another_store_are_no_sign_of_life() -> None:
    """Churn that is answered says nothing of a preference that is not."""

    async def two() -> Any:
        patience = Patience(never)
        lively = [patience.wait("churn", after(BEAT_SECONDS * n)) for n in range(12)]
        *_, silent = await asyncio.gather(*lively, patience.wait("preference", after(LONG)))
        return silent

    assert asyncio.run(two()) == HANGS


def test_a_long_queue_has_an_end() -> None:
    """However lively the store, nobody waits longer than a user would."""

    async def crowd() -> Any:
        patience = Patience(never)
        late = asyncio.ensure_future(patience.wait("churn", after(LONG)))
        while not late.done():  # one after the other: a machine that stalls stalls them as well
            await patience.wait("churn", after(BEAT_SECONDS / 2))
        return await late

    assert asyncio.run(crowd()) == BUSY


def test_a_machine_without_time_for_us_is_no_store_that_hangs() -> None:
    """While our own threads are not let run, an answer is waited for as in a queue."""
    slow = BEAT_SECONDS * (HANGS_AFTER + 4)
    starving = Patience(count().__next__)
    assert asyncio.run(starving.wait("churn", after(slow))) == Done("answer")
    assert asyncio.run(starving.wait("churn", after(LONG))) == BUSY


def test_time_in_the_processors_queue_is_seen() -> None:
    """A thread that shares one processor with two others stands ready most of the time."""
    if not sys.platform.startswith("linux"):
        assert waited_for_cpu() == 0.0
        return
    one = {min(os.sched_getaffinity(0))}
    spin = f"import os\nos.sched_setaffinity(0, {one})\nwhile True: pass"
    others = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(2)]
    try:
        before = waited_for_cpu()
        stop = threading.Event()
        thread = threading.Thread(target=spinning, args=(one, stop))
        thread.start()
        deadline = time.monotonic() + LONG
        while waited_for_cpu() - before < 0.02:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        stop.set()
        thread.join()
    finally:
        for process in others:
            process.kill()
            process.wait()


def spinning(processors: set[int], stop: threading.Event) -> None:
    os.sched_setaffinity(threading.get_native_id(), processors)
    while not stop.is_set():
        pass
