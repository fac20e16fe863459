"""Measures a version on the test rows that it carries: intervals, slices, calibration. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from lifecycle.metrics import METRICS, Labels
from lifecycle.task import Kind
from training.draws import Draws, under
from training.model import Matrix
from training.promotion.card.values import NOT_MEASURED, Interval, Measured, Slice
from training.promotion.paired import CONFIDENCE, clustered_variance, components
from training.promotion.side_by_side.curves import OWN, curve, told

DRAWS = 300
LEAST_ROWS, LEAST_OF_RAREST, LEAST_CUSTOMERS = 100, 20, 2
MOST_VALUES = 8  # of a feature; the rarest are left out
MOST_FEATURES = 6
FOREMOST = ("country", "plan", "device")
MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Labelled rows and what the version says of them.

    Attributes:
        frame: `customer_id` and the features, shape (n, …).
        labels: class indices, shape (n,).
        probabilities: shape (n, classes).
    """

    kind: Kind
    frame: pd.DataFrame
    labels: Labels
    probabilities: Matrix

    def at(self, places: npt.NDArray[np.int64]) -> Answered:
        """Some of the rows."""
        return Answered(
            kind=self.kind,
            frame=self.frame.iloc[places],
            labels=self.labels[places],
            probabilities=self.probabilities[places],
        )

    @property
    def customers(self) -> int:
        return int(self.frame["customer_id"].nunique())


def measured(version: int, rows: Answered, categories: Sequence[str], seed: int = 0) -> Measured:
    """Everything that a card says of these rows.

    Args:
        version: its number.
        rows: of the version's out-of-time test.
        categories: features to slice by, in the version's order.
        seed: of the draws.
    """
    by = "roc_auc" if rows.kind == "binary" else "accuracy"
    whose = rows.frame["customer_id"]
    return Measured(
        rows=len(rows.labels),
        customers=rows.customers,
        metrics=intervals(rows, tuple(METRICS[rows.kind]), seed),
        by=by,
        slices=tuple(slices(rows, sliced_by(rows.frame, categories), by, seed)),
        curve=(
            curve(version, OWN, told(rows.kind, rows.labels, rows.probabilities), whose)
            if len(rows.labels)
            else None
        ),
    )


def intervals(rows: Answered, names: Sequence[str], seed: int) -> dict[str, Interval]:
    """Metrics with their 95 % intervals: DeLong's for ROC-AUC, else a bootstrap of customers."""
    if rows.customers < LEAST_CUSTOMERS:
        return dict.fromkeys(names, NOT_MEASURED)
    draws = Draws.of(rows.frame["customer_id"], seed, DRAWS)
    return {
        name: area(rows) if name == "roc_auc" else bootstrapped(rows, name, draws) for name in names
    }


def area(rows: Answered) -> Interval:
    """ROC-AUC, its variance clustered by customer (Obuchowski 1997)."""
    positive = rows.labels == 1
    if positive.all() or not positive.any():
        return NOT_MEASURED
    value, above, below = components(rows.labels, rows.probabilities[:, 1])
    variance = clustered_variance(above - value, below - value, positive, rows.frame["customer_id"])
    half = float(norm.ppf((1 + CONFIDENCE) / 2)) * float(np.sqrt(max(variance, 0.0)))
    return Interval(value=value, low=max(0.0, value - half), high=min(1.0, value + half))


def bootstrapped(rows: Answered, name: str, draws: Draws) -> Interval:
    """Percentiles over the draws; one draw that cannot be measured leaves no interval."""
    value = METRICS[rows.kind][name](rows.labels, rows.probabilities)
    tail = (1 - CONFIDENCE) / 2
    found = under(draws, rows.kind, name, rows.labels, rows.probabilities)
    low, high = np.quantile(found, [tail, 1 - tail])
    return Interval(value=float(value), low=float(low), high=float(high))


def sliced_by(frame: pd.DataFrame, categories: Sequence[str]) -> list[str]:
    """Country, plan and device first; a feature that tells no rows apart is left out."""
    there = [name for name in categories if len(frame[name].unique()) > 1]
    first = [name for name in FOREMOST if name in there]
    return [*first, *(name for name in there if name not in FOREMOST)][:MOST_FEATURES]


def slices(rows: Answered, names: Sequence[str], by: str, seed: int) -> Iterator[Slice]:
    """Every value of each feature, the commonest first; no value at all is one, too."""
    for name in names:
        column = rows.frame[name].astype(object)
        values = column.where(column.notna(), MISSING).astype(str).to_numpy()
        for value in pd.Series(values).value_counts(sort=True).index[:MOST_VALUES]:
            part = rows.at(np.flatnonzero(values == value))
            yield slice_of(name, str(value), part, by, seed)


def slice_of(name: str, value: str, rows: Answered, by: str, seed: int) -> Slice:
    """One of them; of few rows only their number and shares are told."""
    said, happened = told(rows.kind, rows.labels, rows.probabilities)
    enough = len(rows.labels) >= LEAST_ROWS and rarest(rows, happened) >= LEAST_OF_RAREST
    return Slice(
        feature=name,
        value=value,
        rows=len(rows.labels),
        customers=rows.customers,
        said=float(said.mean()),
        happened=float(happened.mean()),
        quality=intervals(rows, [by], seed)[by] if enough else NOT_MEASURED,
    )


def rarest(rows: Answered, happened: npt.NDArray[np.float64]) -> int:
    """Rows of the rarer outcome: of the label, or of hit and miss among more classes."""
    hits = int(happened.sum())
    return min(hits, len(rows.labels) - hits)
