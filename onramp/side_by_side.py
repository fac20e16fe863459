"""The same act for several tasks at once, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TypeVar

from features.feast_import import unchecked
from lifecycle.progress import Progress
from lifecycle.task import Task

Answer = TypeVar("Answer")

CORES = 2


@contextmanager
def workers(ready: Callable[[], None]) -> Iterator[Executor]:
    """Two processes that load their libraries, by `ready`, while somebody else works.

    They are spawned: the libraries keep threads and locks that a fork would tear. Each booster
    uses one thread, so two tasks fill two cores.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=CORES, mp_context=context, initializer=unchecked) as pool:
        for _ in range(CORES):
            pool.submit(ready)
        yield pool


def side_by_side(
    pool: Executor, act: Callable[[Task], Answer], tasks: Collection[Task], progress: Progress
) -> Iterator[tuple[Answer, float]]:
    """Act on each task; answers with their seconds, the first to end first."""
    with progress(", ".join(task.name for task in tasks), len(tasks)) as advance:
        for done in as_completed([pool.submit(timed, act, task) for task in tasks]):
            advance(1)
            yield done.result()


def timed(act: Callable[[Task], Answer], task: Task) -> tuple[Answer, float]:
    """The answer and how long it took."""
    begun = time.monotonic()
    return act(task), time.monotonic() - begun
