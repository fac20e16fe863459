"""One file is one model: a module here with a `TASK` is known to the whole platform."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from importlib import import_module

from lifecycle.dataset import DataSet
from lifecycle.errors import OnrampError, UnknownName, Unsupported
from lifecycle.task import Task, for_dataset


def discover(package: str = __name__, path: Sequence[str] = __path__) -> Mapping[str, Task]:
    """Every task, by name.

    Raises:
        OnrampError: two files define the same name, or a `TASK` is not a Task.
    """
    found: dict[str, Task] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(path)):
        if module.startswith("_"):
            continue
        task = getattr(import_module(f"{package}.{module}"), "TASK", None)
        if not isinstance(task, Task):
            raise OnrampError(
                f"tasks/{module}.py defines no task.",
                found=f"Its TASK is {task!r}.",
                do="Give it `TASK = Task(…)`, or a name that starts with an underscore.",
            )
        if task.name in found:
            raise OnrampError(
                f"Two files define the task {task.name!r}.", do=f"Rename it in tasks/{module}.py."
            )
        found[task.name] = task
    return found


def find(name: str) -> Task:
    """The task of that name.

    Raises:
        UnknownName: there is none; the error names those that are.
    """
    known = discover()
    if name not in known:
        raise UnknownName("task", name, known)
    return known[name]


def supported(dataset: DataSet) -> Mapping[str, Task]:
    """The tasks that this data set can carry, as it asks them."""
    asked: dict[str, Task] = {}
    for name, task in discover().items():
        try:
            asked[name] = for_dataset(task, dataset)
        except Unsupported:
            continue
    return asked
