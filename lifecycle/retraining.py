"""When a model is trained again though nothing went wrong: a task's setting, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from lifecycle.errors import UsageError

Schedule = Literal["weekly", "monthly", "quarterly", "never"]

OLDEST: Mapping[Schedule, timedelta] = {
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=30),
    "quarterly": timedelta(days=91),
}


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """What else than a verdict of monitoring opens a retrain job.

    Attributes:
        schedule: how old the champion's data may be before its task is trained again.
        new_labels: so many that have ripened since are reason enough; None: none are.
        cooldown_days: after a job's as-of time neither opens another so soon.
    """

    schedule: Schedule = "weekly"
    new_labels: int | None = None
    cooldown_days: float = 7

    def __post_init__(self) -> None:
        if self.new_labels is not None and self.new_labels < 1:
            raise UsageError(
                "A retrain after so many new labels needs a number of them.",
                found=f"new_labels is {self.new_labels}.",
                do="Name 1 or more, or leave it out.",
            )
