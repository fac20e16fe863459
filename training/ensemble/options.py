"""One thing that could be served, as the report lists it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Option:
    """One thing that could be served, with its evidence.

    Attributes:
        value: of the task's metric, out of fold; NaN where it was not tried.
    """

    name: str
    value: float
    chosen: bool = False
    note: str = ""
