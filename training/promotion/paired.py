"""Two models on the same rows: how much better is one, and how sure can we be.

A customer has several moments, and rows of one customer are alike. All intervals here are by
customer, so that five rows of one customer do not count as five witnesses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from lifecycle.gate import Difference
from lifecycle.metrics import METRICS, ROW_METRICS, Labels, midranks
from lifecycle.task import Kind
from training.model import Matrix

CONFIDENCE = 0.95
DRAWS = 2_000
SLOW_DRAWS = 300  # metrics that are no mean over rows are measured anew in each draw
CHUNK = 100
TWO = 2

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What both models said about the same rows.

    Attributes:
        labels: class indices, shape (n,).
        challenger, champion: probabilities, shape (n, classes).
        customers: whose each row is, shape (n,).
    """

    kind: Kind
    labels: Labels
    challenger: Matrix
    champion: Matrix
    customers: pd.Series[str]


def difference(pair: Pair, name: str, seed: int = 0) -> Difference:
    """Challenger minus champion in one metric, with its 95 % interval."""
    if name == "roc_auc":
        return delong(pair)
    if name in ROW_METRICS:
        return bootstrap_rows(pair, name, seed)
    return bootstrap_whole(pair, name, seed)


def components(labels: Labels, scores: Floats) -> tuple[float, Floats, Floats]:
    """AUC and its structural components, by midranks (Sun & Xu 2014).

    Returns:
        The AUC, one value for each positive row (the share of negatives that it beats) and one
        for each negative row (the share of positives that beat it), ties as one half.
    """
    positive = labels == 1
    m, n = int(positive.sum()), int((~positive).sum())
    everywhere = midranks(scores)
    above = (everywhere[positive] - midranks(scores[positive])) / n
    below = 1 - (everywhere[~positive] - midranks(scores[~positive])) / m
    return float(above.mean()), above, below


def delong(pair: Pair) -> Difference:
    """DeLong's paired test of two correlated ROC-AUCs, clustered by customer.

    DeLong, DeLong & Clarke-Pearson 1988 by the fast algorithm of Sun & Xu 2014; the components
    are summed within customers as in Obuchowski 1997, which is DeLong's own variance (up to its
    finite-sample factors) where every customer has one row.
    """
    positive = pair.labels == 1
    m, n = int(positive.sum()), int((~positive).sum())
    if not m or not n:
        return unknown("DeLong: one class only")
    better, above, below = components(pair.labels, pair.challenger[:, 1])
    worse, above_other, below_other = components(pair.labels, pair.champion[:, 1])
    value = better - worse
    variance = clustered_variance(
        above - above_other - value, below - below_other - value, positive, pair.customers
    )
    half = float(norm.ppf((1 + CONFIDENCE) / 2)) * float(np.sqrt(max(variance, 0.0)))
    return Difference(
        value=value, low=value - half, high=value + half, confidence=CONFIDENCE,
        method="paired DeLong by customer",
    )  # fmt: skip


def clustered_variance(
    above: Floats, below: Floats, positive: npt.NDArray[np.bool_], customers: pd.Series[str]
) -> float:
    """Variance of an AUC or a difference of two, from centred components (Obuchowski 1997)."""
    codes, names = pd.factorize(customers, sort=True)
    clusters, m, n = len(names), len(above), len(below)
    ups = np.bincount(codes[positive], above, minlength=clusters)
    downs = np.bincount(codes[~positive], below, minlength=clusters)
    with_up = len(np.unique(codes[positive]))
    with_down = len(np.unique(codes[~positive]))
    if min(with_up, with_down, clusters) < TWO:
        return float("nan")
    s10 = with_up / ((with_up - 1) * m) * float(ups @ ups)
    s01 = with_down / ((with_down - 1) * n) * float(downs @ downs)
    s11 = clusters / (clusters - 1) * float(ups @ downs)
    return s10 / m + s01 / n + 2 * s11 / (m * n)


def bootstrap_rows(pair: Pair, name: str, seed: int) -> Difference:
    """Paired bootstrap over customers of a metric that is a mean over rows: percentiles."""
    rows = ROW_METRICS[name]
    gaps = rows(pair.labels, pair.challenger) - rows(pair.labels, pair.champion)
    codes, names = pd.factorize(pair.customers, sort=True)
    sums = np.bincount(codes, gaps, minlength=len(names))
    counts = np.bincount(codes, minlength=len(names)).astype(np.float64)
    rng = np.random.default_rng(seed)
    draws = np.concatenate(
        [
            (weights @ sums) / (weights @ counts)
            for weights in (
                rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=CHUNK)
                for _ in range(DRAWS // CHUNK)
            )
        ]
    )
    return percentiles(float(gaps.mean()), draws)


def bootstrap_whole(pair: Pair, name: str, seed: int) -> Difference:
    """Paired bootstrap over customers of any metric, measured anew in each draw."""
    metric = METRICS[pair.kind][name]
    codes, names = pd.factorize(pair.customers, sort=True)
    order = np.argsort(codes, kind="stable")
    rows_of = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(SLOW_DRAWS):
        drawn = np.concatenate([rows_of[i] for i in rng.integers(len(names), size=len(names))])
        labels = pair.labels[drawn]
        draws.append(metric(labels, pair.challenger[drawn]) - metric(labels, pair.champion[drawn]))
    value = metric(pair.labels, pair.challenger) - metric(pair.labels, pair.champion)
    return percentiles(value, np.asarray(draws))


def percentiles(value: float, draws: Floats) -> Difference:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])  # NaN in a draw stays NaN: not measured
    return Difference(
        value=value, low=float(low), high=float(high), confidence=CONFIDENCE,
        method="paired bootstrap by customer",
    )  # fmt: skip


def unknown(method: str) -> Difference:
    nan = float("nan")
    return Difference(value=nan, low=nan, high=nan, confidence=CONFIDENCE, method=method)
