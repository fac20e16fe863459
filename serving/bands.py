"""Low, medium, high: what a probability of churn means to a marketer.

A fixed cut would call nearly everybody high risk on a data set where most newcomers leave, and
nobody where few do. So the cuts are those of the version's own reference customers: *high* is
the riskiest fifth, *medium* the rest of the riskier half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Band = Literal["low", "medium", "high"]

MEDIUM_FROM = 0.5
HIGH_FROM = 0.8


@dataclass(frozen=True, kw_only=True)
class Bands:
    """Least probability of the medium and of the high band."""

    medium: float
    high: float

    def of(self, probability: float) -> Band:
        if probability >= self.high:
            return "high"
        return "medium" if probability >= self.medium else "low"


def bands(reference: Sequence[float]) -> Bands:
    """Cut at quantiles of the probabilities that the version gave its reference customers."""
    medium, high = np.quantile(np.asarray(reference, dtype=float), (MEDIUM_FROM, HIGH_FROM))
    return Bands(medium=float(medium), high=float(high))
