"""Imports Feast in a fifth of the time, for processes that somebody waits for.

Feast decorates its classes with typeguard's `@typechecked`, which reads the source of each class
again at every import, writes checks of each argument into it and compiles it anew. What Feast is
handed here is checked by mypy, so those who are in a hurry import it without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typeguard


@contextmanager
def unchecked() -> Iterator[None]:
    """Inside, whatever is imported for the first time stays as it was written.

    Feast that was imported before keeps its checks.
    """
    names = vars(typeguard)
    kept = names["typechecked"]
    names["typechecked"] = as_written
    try:
        yield
    finally:
        names["typechecked"] = kept


def as_written(target: Any = None, **_: Any) -> Any:
    """In place of `@typechecked` and `@typechecked(...)`."""
    if target is not None:
        return target
    decorate: Callable[[Any], Any] = as_written
    return decorate
