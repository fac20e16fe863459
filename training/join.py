"""Brings a search's question together from this machine's own data, and lends workers to it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.progress import Progress, silent
from lifecycle.task import Task
from training.candidate import Budget, plan_of
from training.parts import prepare_parts
from training.search.join import lend
from training.stages import stages_of
from training.trainingset import TrainingSet


@dataclass(frozen=True, kw_only=True)
class JoinReport:
    """What this process lent.

    Attributes:
        trials: that it did itself; those of its helpers are counted by the search.
    """

    task: str
    trials: int
    seconds: float

    def lines(self) -> list[str]:
        return [f"{self.task}: lent {self.trials} trials, {self.seconds:.0f} s; the search ended."]


def join(
    home: Home, task: Task, *, as_of: datetime | None, budget: Budget, progress: Progress = silent
) -> JoinReport:
    """Assemble the training set as the search did, and work on it until the search ends.

    Raises:
        DataError: too little data, or one class only.
        NotReady: no such search works there; the error says what its name holds.
    """
    from training.dataset import assemble  # noqa: PLC0415  # Feast: 4 s that a frame spares

    now = as_of or EventStore(home).as_of(home.dataset())
    return join_on(home, task, assemble(home, task, now), budget, progress)


def join_on(
    home: Home, task: Task, data: TrainingSet, budget: Budget, progress: Progress = silent
) -> JoinReport:
    """Lend workers to the search on a given training set."""
    began = time.monotonic()
    with threadpool_limits(limits=1):  # as in the search: sums over threads depend on them
        prepared = prepare_parts(task, data, seed=budget.seed)
        stages = stages_of(task, prepared, budget.seed)
        trials = lend(stages, plan_of(task, prepared, budget, home.studies, began), progress)
    return JoinReport(task=task.name, trials=trials, seconds=time.monotonic() - began)
