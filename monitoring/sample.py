"""The rows that a report draws: a bounded sample of a window beside the version's reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lifecycle.prediction_log import COLUMNS
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
    """

    reference: pd.DataFrame
    current: pd.DataFrame
    ripened: pd.DataFrame


def pictured(
    served: Served, against: Approved, now: Window, ripe: pd.DataFrame, truth: pd.DataFrame
) -> Pictured:
    """Read a sample of the window, and thin both sides to the same days after sign-up."""
    names = [*COLUMNS, *against.features, DAY]
    current = now.read(names, most=MOST_ROWS)
    reference = against.reference
    asked = served.asked(reference["customer_id"])
    days = current[DAY].to_numpy(dtype=np.int64)
    before, after = alike(ages(reference, asked), days)
    return Pictured(
        reference=reference.iloc[before],
        current=current.iloc[after].drop(columns=DAY),
        ripened=labelled(ripe, truth),
    )
