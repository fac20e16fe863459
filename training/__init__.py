"""From stored features to a registered candidate, and from candidate to champion.

In a notebook: `training.train(None, training.table(frame, label="churned"), budget="60s")`.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lifecycle.progress import bar
    from training.api import train
    from training.plain import table
    from training.result import Result

__all__ = ["Result", "bar", "table", "train"]

PLACES = {
    "Result": "training.result",
    "bar": "lifecycle.progress",
    "table": "training.plain",
    "train": "training.api",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for (PEP 562): the libraries take seconds."""
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with warnings.catch_warnings():
        # MLflow warns of its own type hints while it is imported
        warnings.filterwarnings("ignore", ".*Any type hint is inferred as AnyType")
        return getattr(import_module(PLACES[name]), name)
