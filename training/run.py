"""Trains a task's model, records the run and registers the version."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from lifecycle import tracking
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.progress import Progress, silent
from lifecycle.registry import Registry, Version
from lifecycle.task import Task
from lifecycle.webhook import alias_moved
from training import record
from training.candidate import Budget, Built, build, rows_of
from training.model import FOLDER
from training.splits import HELD_BACK, Shares
from training.trainingset import TrainingSet


@dataclass(frozen=True, kw_only=True)
class TrainReport:
    """What a training came to.

    Attributes:
        version: the registered number.
        metrics: on the out-of-time test.
        baselines: baseline → metrics on the same rows.
        rows: part → rows.
        trials: outcome → trials.
        seconds: of the whole, of assembling the data and of the search.
        notes: what could not be done for people once the version was registered.
    """

    task: str
    version: int
    run_id: str
    algorithm: str
    balancing: str
    calibrator: str
    metric: str
    metrics: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]
    rows: Mapping[str, int]
    trials: Mapping[str, int]
    seed: int
    as_of: datetime
    data_fingerprint: str
    seconds: Mapping[str, float]
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """What a person reads."""
        rows = ", ".join(f"{name} {n:,}" for name, n in self.rows.items() if n)
        tried = ", ".join(f"{n} {state}" for state, n in self.trials.items())
        shown = ("roc_auc", "pr_auc", "log_loss", "ece", "accuracy", "top2")
        names = [name for name in shown if name in self.metrics]
        table = {f"{self.task} {self.version}": self.metrics, **self.baselines}
        width = max(len(name) for name in table)
        made = (
            f"{self.task} version {self.version}: {self.algorithm}, balancing {self.balancing}, "
            f"calibration {self.calibrator}; {sum(self.trials.values())} trials ({tried}), "
            f"{self.seconds['total']:.0f} s"
        )
        found = [
            made,
            f"  rows: {rows}",
            "  out of time".ljust(width + 4) + "".join(name.rjust(10) for name in names),
        ]
        found += [
            f"  {row.ljust(width + 2)}" + "".join(f"{values[name]:10.4f}" for name in names)
            for row, values in table.items()
        ]
        return found + [f"  {note}" for note in self.notes]


def train(  # noqa: PLR0913  # the verb's own options, each by name
    home: Home,
    task: Task,
    *,
    as_of: datetime | None = None,
    trials: int | None = None,
    seconds: float | None = None,
    workers: int = 1,
    storage: str | None = None,
    seed: int = 0,
    tags: Mapping[str, str] | None = None,
    regained: float | None = None,
    progress: Progress = silent,
) -> TrainReport:
    """Assemble the training set as known at `as_of`, train on it and register the version.

    Args:
        home: where everything lives.
        task: as the home's data set asks it (`tasks.supported`).
        as_of: what was received later does not exist; default: now, on the data set's clock.
        trials: finished trials to reach; default: as the task says.
        seconds: to search and fit in, which makes the result depend on the machine's speed; rows
            are assembled before, the report is made after.
        workers: processes of the search; the result does not depend on them.
        storage: URL of the search's database, where machines share it.
        seed: of everything that is drawn.
        tags: of the caller, written onto the version from its first moment, beside our own.
        regained: of a retrain, the loss in ROC-AUC that it answers, or 0: hold back no more than
            the gate needs to see that regained, and choose how far back to learn from
            (`training.newest`). None: cut by shares.
        progress: shows the search's trials.

    Raises:
        DataError: too little data, or one class only.
    """
    from features.store import definitions  # noqa: PLC0415  # Feast: 4 s that a frame spares
    from training.dataset import assemble  # noqa: PLC0415  # as above

    began = time.monotonic()
    now = as_of or EventStore(home).as_of(home.dataset())
    data = replace(assemble(home, task, now), definitions=definitions(home, task.name))
    assembled = time.monotonic() - began
    budget = Budget(trials=trials, seconds=seconds, seed=seed, workers=workers, storage=storage)
    shares = HELD_BACK
    if regained is not None and data.timed:
        from training.newest import for_retrain  # noqa: PLC0415  # what a first training needs not

        shares, window = for_retrain(task, data, regained)
        tags = {**(tags or {}), "window": window.words, "window_days": str(window.days)}
    return train_on(
        home, task, data, budget, progress, assembled=assembled, tags=tags, shares=shares
    )


def train_on(  # noqa: PLR0913  # what `train` hands on, each by name
    home: Home,
    task: Task,
    data: TrainingSet,
    budget: Budget,
    progress: Progress = silent,
    *,
    assembled: float = 0.0,
    tags: Mapping[str, str] | None = None,
    shares: Shares = HELD_BACK,
) -> TrainReport:
    """Train on a given training set, record the run and register the version."""
    began = time.monotonic()
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / FOLDER
        folder.mkdir()
        title = f"{task.name} as of {data.as_of:%Y-%m-%d}"
        of_run = {"task": task.name, "seed": str(budget.seed)}
        with tracking.run(home, task.name, title, of_run) as run:
            built = build(task, data, budget, folder, home.studies, progress, shares=shares)
            uri = record.log(run, task, built)
        registry = Registry(home)
        own = record.version_tags(task, built, run.run_id)
        version = registry.register(task.name, uri, {**(tags or {}), **own})
        registry.point("challenger", version)
    notes = told(home, task, version)
    seconds = {
        "total": time.monotonic() - began + assembled,
        "assemble": assembled,
        "search": built.found.seconds,
    }
    made = report(task, built, version.number, run.run_id, seconds)
    return replace(made, notes=notes)


def told(home: Home, task: Task, version: Version) -> tuple[str, ...]:
    """Write what people read of the version, and tell whoever listens; returns what failed."""
    from training.promotion import card  # noqa: PLC0415  # what only a registered version needs

    problems = (
        card.try_to_publish(home, task, version),
        alias_moved(home, task.name, "challenger", version.number),
    )
    return tuple(problem for problem in problems if problem)


def report(
    task: Task, built: Built, version: int, run_id: str, seconds: Mapping[str, float]
) -> TrainReport:
    """The training in plain fields."""
    best, prepared = built.final.best, built.prepared
    return TrainReport(
        task=task.name,
        version=version,
        run_id=run_id,
        algorithm=best.algorithm,
        balancing=best.balance.method,
        calibrator=str(built.calibrated.calibrator["method"]),
        metric=task.metric,
        metrics=built.metrics,
        baselines=built.baselines,
        rows=rows_of(prepared),
        trials=built.found.counts,
        seed=int(built.scorer.facts["seed"]),
        as_of=prepared.data.as_of,
        data_fingerprint=prepared.data.fingerprint,
        seconds=seconds,
    )
