"""Imports Feast in a third of the time.

Feast decorates its classes with typeguard's `@typechecked`, which reads the source of each class
again at every import, writes checks of each argument into it and compiles it anew: six seconds.
What Feast is handed here is checked by mypy, so our processes import it without.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any


def unchecked() -> None:
    """When this process comes to import Feast, its classes stay as they were written.

    Until then it costs nothing. Feast that was imported before keeps its checks.
    """
    if not any(isinstance(finder, BeforeFeast) for finder in sys.meta_path):
        sys.meta_path.insert(0, BeforeFeast())


class BeforeFeast:
    """Is asked first for every module and finds none, so it knows when Feast is about to come."""

    def __init__(self) -> None:
        self.over = False

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002  importlib's signature
        """Lead Feast past the decorator the first time it is looked for."""
        if fullname == "feast" and not self.over:
            self.over = True
            names = vars(import_module("typeguard"))
            names["typechecked"] = partial(but_feast, names["typechecked"])


def but_feast(checked: Callable[..., Any], target: Any = None, **options: Any) -> Any:
    """`@typechecked` and `@typechecked(...)` for everybody but Feast, whose classes come back."""
    if target is None:
        return partial(but_feast, checked, **options)
    own = target.__module__.partition(".")[0] == "feast"
    return target if own else checked(target, **options)
