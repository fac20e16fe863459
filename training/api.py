"""Training as a data scientist calls it: one function, a frame in, a value out.

It registers nothing and writes nothing outside a temporary folder: `onramp train` does that.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
from dataclasses import replace
from pathlib import Path

import pandas as pd

from lifecycle.duration import seconds_in
from lifecycle.errors import UsageError
from lifecycle.gate import Gate
from lifecycle.home import Home
from lifecycle.label import Does, MostTaken
from lifecycle.progress import Progress, silent
from lifecycle.task import Task, for_dataset
from tasks import find
from tasks._trees import TREES
from training.candidate import Budget, build
from training.model import FOLDER
from training.plain import PlainTable
from training.result import Result
from training.splits import TEST_SHARE, Shares
from training.trainingset import TrainingSet

TWO_CLASSES = 2


def train(  # noqa: PLR0913  # each by name, and all but two have a default
    task: Task | str | None,
    data: TrainingSet | Home,
    budget: str | float | None = "60s",
    *,
    trials: int | None = None,
    workers: int = 1,
    seed: int = 0,
    test: float = TEST_SHARE,
    report: bool = True,
    progress: Progress | None = None,
) -> Result:
    """Search, choose, fit, calibrate and judge a model.

    Args:
        task: one of `tasks/`, by value or by name; None: whatever the table's label asks.
        data: `training.table(frame, label=…)`, a training set, or a home whose features are built.
        budget: to search, fit and calibrate in, as 60s, 5m or a number of seconds; rows are
            assembled before it and the report is made after it. None: as the task's search says
            (`search.seconds`); where that says nothing either there is no limit in time, and then
            the same call gives the same model.
        trials: stop the search after so many; default: as many as the time allows, and without a
            limit in time as many as the task's search says (`search.trials`).
        workers: processes.
        seed: of everything that is drawn.
        test: share of the customers that is held out to judge on; 0: none.
        report: measure what only people read as well (balancing, canaries, explanation).
        progress: `training.bar` shows one; default: silence.

    Raises:
        DataError: the rows cannot carry a model; the error says why.
        UsageError: something is not what it should be.
    """
    if not 0 <= test < 1:
        raise UsageError(f"test={test} is no share.", do="Give one from 0 to below 1.")
    if isinstance(data, Home) and task is not None:  # the data set's own horizon, costs and so on
        task = for_dataset(named(task), data.dataset())
    rows = assembled(data, task)
    asked = question(task, rows)
    folder = Path(tempfile.mkdtemp(prefix="onramp-"))
    try:
        (folder / FOLDER).mkdir()
        effort = Budget(
            trials=trials, seconds=limit(budget), seed=seed, workers=workers, report=report
        )
        built = build(
            asked, rows, effort, folder / FOLDER, folder / "studies", progress or silent,
            shares=Shares(test=test, calibrate=0),
        )  # fmt: skip
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder / "studies", ignore_errors=True)
    found = Result(task=asked, data=rows, built=built, folder=folder / FOLDER)
    weakref.finalize(found, shutil.rmtree, folder, ignore_errors=True)
    return found


def limit(budget: str | float | None) -> float | None:
    """In seconds."""
    return None if budget is None else seconds_in(str(budget))


def assembled(data: TrainingSet | Home, task: Task | str | None) -> TrainingSet:
    """The training set: as given, or of everything that a home knows by now.

    Raises:
        UsageError: it is neither, or nobody said which task of the home.
    """
    if isinstance(data, TrainingSet):
        return data
    if isinstance(data, pd.DataFrame):
        raise UsageError(
            "A frame does not say what to predict.",
            do='Say it: training.train(None, training.table(frame, label="churned")).',
        )
    if not isinstance(data, Home):
        raise UsageError(
            f"Nothing can be trained on a {type(data).__name__}.",
            do="Give `training.table(frame, label=…)`, a TrainingSet or a Home.",
        )
    if task is None:
        raise UsageError("Which task of the home?", do='Name one, such as "churn".')
    return of_home(data, named(task))


def of_home(home: Home, task: Task) -> TrainingSet:
    from features.store import definitions  # noqa: PLC0415  # Feast: 4 s that a frame spares
    from lifecycle.event_store import EventStore  # noqa: PLC0415  # as above
    from training.dataset import assemble  # noqa: PLC0415  # as above

    rows = assemble(home, task, EventStore(home).as_of(home.dataset()))
    return replace(rows, definitions=definitions(home, task.name))


def named(task: Task | str) -> Task:
    return find(task) if isinstance(task, str) else task


def question(task: Task | str | None, data: TrainingSet) -> Task:
    """The task, or one that asks for the label of a table as it is."""
    if task is not None:
        return fitting(named(task), data)
    label, yes = "label", "yes"
    if isinstance(data, PlainTable):
        label, yes = data.label, str(data.answers.get("yes"))
    several = classes_in(data) > TWO_CLASSES
    return Task(
        name=re.sub(r"\W+", "_", label).strip("_").lower() or "label",
        question=f"Which {label}?" if several else f"{label} = {yes}?",
        label=MostTaken() if several else Does(label),
        moments=(),
        horizon_days=0,
        search=TREES,
        gate=Gate(rules=()),
    )


def fitting(task: Task, data: TrainingSet) -> Task:
    """Refuse a table whose label is of another kind than the task's."""
    if isinstance(data, PlainTable) and (len(data.answers) > TWO_CLASSES) != (
        task.kind == "multiclass"
    ):
        raise UsageError(
            f"The task {task.name!r} is {task.kind}, the label {data.label!r} has "
            f"{len(data.answers)} values.",
            do="Give None as the task, or another label.",
        )
    return task


def classes_in(data: TrainingSet) -> int:
    return len(data.answers) if isinstance(data, PlainTable) else data.frame["label"].nunique()
