"""What the results of `benchmarks/training.py` say, and how surely."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lifecycle.metrics import HIGHER_IS_BETTER, SMALLEST

DRAWS, ROW_DRAWS, SEED = 2_000, 100, 0
NORMAL = 1.96  # of a normal interval of 95 %

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]
Draws = npt.NDArray[np.uint8]
Scores = Mapping[str, Mapping[str, Sequence[float]]]  # set → system → one value a seed


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def ranks(metric: str, values: Sequence[float]) -> Floats:
    """1 is the best; equal ones share; what is NaN (the system failed) comes last."""
    sign = -1.0 if HIGHER_IS_BETTER[metric] else 1.0
    signed = np.array([sign * value for value in values])
    return np.asarray(rankdata(np.where(np.isnan(signed), np.inf, signed)), dtype=np.float64)


def mean_ranks(metric: str, scores: Scores) -> dict[str, Estimate]:
    """Each system's mean rank over tables and seeds.

    The interval is that of a bootstrap which draws tables and then seeds within them: seeds of
    one table are no further tables.

    Args:
        metric: by name; says which direction is good.
        scores: every system has as many seeds of a table as every other.
    """
    systems = list(next(iter(scores.values())))
    tables = [
        np.array([ranks(metric, at) for at in zip(*by.values(), strict=True)])
        for by in scores.values()
    ]
    rng = np.random.default_rng(SEED)
    draws = np.array([
        np.mean([
            tables[place][rng.integers(len(tables[place]), size=len(tables[place]))].mean(axis=0)
            for place in rng.integers(len(tables), size=len(tables))
        ], axis=0)
        for _ in range(DRAWS)
    ])  # fmt: skip
    value = np.mean([table.mean(axis=0) for table in tables], axis=0)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return {
        name: Estimate(value=float(value[i]), low=float(low[i]), high=float(high[i]))
        for i, name in enumerate(systems)
    }


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What two systems said of the same rows of one seed.

    Attributes:
        labels: shape (rows,).
        ours, theirs: probability of the label, shape (rows,).
        draws: of the same rows, see `draw_rows`.
    """

    labels: Labels
    ours: Floats
    theirs: Floats
    draws: Draws


Metric = Callable[[Draws], float]  # weights of rows → the metric


def difference(metric: str, seeds: Sequence[Judged]) -> Estimate:
    """Ours minus theirs, the mean over seeds.

    Its variance is that of the rows (paired, drawn by entity), which seeds share where they
    share rows, and that of the seeds over their number. Where seeds hold out different rows
    this counts a part of the rows twice: the interval is rather too wide than too narrow.
    """
    found = [value_and_variance(metric, one) for one in seeds]
    at, variances = np.array([f[0] for f in found]), np.array([f[1] for f in found])
    from_seeds = float(at.var(ddof=1)) / len(at) if len(at) > 1 else 0.0
    half = NORMAL * float(np.sqrt(variances.mean() + from_seeds))
    value = float(at.mean())
    return Estimate(value=value, low=value - half, high=value + half)


def draw_rows(entities: pd.Series[Any]) -> Draws:
    """How often each row comes in each draw of whole entities, shape (draws, rows)."""
    codes, names = pd.factorize(entities)
    rng = np.random.default_rng(SEED)
    times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=ROW_DRAWS)
    return times.astype(np.uint8)[:, codes]


def value_and_variance(metric: str, one: Judged) -> tuple[float, float]:
    """Of the difference on one seed; the variance is that over draws of whole entities."""
    ours = WEIGHTED[metric](one.labels, one.ours)
    theirs = WEIGHTED[metric](one.labels, one.theirs)
    drawn = [ours(weights) - theirs(weights) for weights in one.draws]
    even = np.ones(len(one.labels), dtype=np.uint8)
    return ours(even) - theirs(even), float(np.var(drawn, ddof=1))


def log_loss(labels: Labels, said: Floats) -> Metric:
    given = np.clip(np.where(labels, said, 1 - said), SMALLEST, 1.0)
    losses = -np.log(given)
    return lambda weights: float(np.sum(weights * losses) / np.sum(weights))


def sorted_steps(labels: Labels, said: Floats) -> Callable[[Draws], tuple[Floats, Floats]]:
    """Weights → those of the positives and of all rows, from the highest answer down.

    Rows with equal answers are one step. Sorted once, asked for every draw.
    """
    order = np.argsort(-said, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(said[order])), len(said) - 1)
    positive = labels[order].astype(np.uint8)

    def steps(weights: Draws) -> tuple[Floats, Floats]:
        weight = weights[order]  # small integers: the cumulated sums are exact
        hits = np.cumsum(weight * positive, dtype=np.float64)
        return hits[ends], np.cumsum(weight, dtype=np.float64)[ends]

    return steps


def pr_auc(labels: Labels, said: Floats) -> Metric:
    """`lifecycle.metrics.pr_auc` of weighted rows."""
    steps = sorted_steps(labels, said)

    def area(weights: Draws) -> float:
        hits, rows = steps(weights)
        precision = np.divide(hits, rows, out=np.zeros(len(hits)), where=rows > 0)
        return float(np.sum(np.diff(hits, prepend=0.0) * precision) / hits[-1])

    return area


def roc_auc(labels: Labels, said: Floats) -> Metric:
    """`lifecycle.metrics.roc_auc` of weighted rows, by trapezoids."""
    steps = sorted_steps(labels, said)

    def area(weights: Draws) -> float:
        hits, rows = steps(weights)
        misses = rows - hits
        width, height = np.diff(misses, prepend=0.0), np.diff(hits, prepend=0.0)
        return float(np.sum(width * (hits - height / 2)) / (hits[-1] * misses[-1]))

    return area


WEIGHTED: Mapping[str, Callable[[Labels, Floats], Metric]] = {
    "log_loss": log_loss,
    "pr_auc": pr_auc,
    "roc_auc": roc_auc,
}
