"""A search that waits for help: a small one is over before a worker has loaded its libraries.

Without that, a test of what two processes share says nothing when one of them did it all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import optuna
from optuna.storages import BaseStorage

from lifecycle.progress import Advance, Progress

PATIENCE_SECONDS = 600.0  # on busy cores; a worker that crashed costs all of it, and the test
BOTH = 2


def workers_in(storage: BaseStorage) -> set[str]:
    """Who has written an outcome in the storage's only study."""
    trials = optuna.load_study(study_name=None, storage=storage).get_trials(deepcopy=False)
    done = [t.user_attrs for t in trials if t.state.is_finished() and "lost" not in t.user_attrs]
    return {attributes["worker"] for attributes in done}


def until_helped(opened: Callable[[], BaseStorage]) -> Progress:
    """For the leader: after its first trial it waits until another has finished one too.

    Args:
        opened: opens the search's storage; asked once the study is in it.
    """

    @contextmanager
    def progress(label: str, total: int | None) -> Iterator[Advance]:  # noqa: ARG001  a Progress
        deadline = time.monotonic() + PATIENCE_SECONDS

        def advance(n: int, note: str = "") -> None:  # noqa: ARG001  an Advance
            storage = opened()
            while len(workers_in(storage)) < BOTH and time.monotonic() < deadline:
                time.sleep(0.5)

        yield advance

    return progress
