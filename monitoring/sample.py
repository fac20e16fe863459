"""The rows that a report draws: a bounded sample of a window beside the version's reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.catalogue import slug
from lifecycle.gate import NotWorseOnSlices
from lifecycle.prediction import COLUMNS
from lifecycle.task import Task
from monitoring.approved import Approved
from monitoring.matching import ages, alike
from monitoring.performance import labelled
from monitoring.report import MOST_ROWS
from monitoring.windows import DAY, Served, Window


@dataclass(frozen=True, kw_only=True)
class Pictured:
    """What is drawn.

    Attributes:
        reference, current: rows to compare, matched by days after sign-up.
        ripened: rows of the newest ripened window with their `label`.
        segments: profile columns by whose values quality is told apart, as the task's gate does.
    """

    reference: pd.DataFrame
    current: pd.DataFrame
    ripened: pd.DataFrame
    segments: tuple[str, ...] = ()


def pictured(  # two windows and what both are held against
    served: Served, task: Task, against: Approved, now: Window, ripe: Window, truth: pd.DataFrame
) -> Pictured:  # fmt: skip
    """Read samples of the windows, and thin both sides to the same days after sign-up."""
    segments = segments_of(task, against)
    names = [*COLUMNS, *against.features, DAY]
    current = now.read(names, most=MOST_ROWS)
    reference = against.reference
    asked = served.asked(reference["customer_id"])
    days = current[DAY].to_numpy(dtype=np.int64)
    before, after = alike(ages(reference, asked), days)
    rows = ripe.read([*COLUMNS, *segments], version=against.version.number, most=MOST_ROWS)
    return Pictured(
        reference=reference.iloc[before],
        current=current.iloc[after].drop(columns=DAY),
        ripened=labelled(against.unseen(rows), truth),
        segments=segments,
    )


def segments_of(task: Task, against: Approved) -> tuple[str, ...]:
    """What the gate looks at slice by slice, as far as the version knows it."""
    asked = [
        name for rule in task.gate.rules if isinstance(rule, NotWorseOnSlices) for name in rule.by
    ]
    found = (one for name in asked for one in (name, f"profile_{slug(name)}"))
    return tuple(dict.fromkeys(one for one in found if one in against.features))
