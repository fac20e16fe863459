"""Two models on the same rows: how much better is one, and how sure can we be.

A customer has several moments, and rows of one customer are alike. All intervals here are by
customer, so that five rows of one customer do not count as five witnesses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from lifecycle.gate import Difference
from lifecycle.metrics import METRICS, ROW_METRICS, Labels, midranks
from lifecycle.task import Kind
from training.draws import Draws, means, parts, under
from training.model import Matrix

CONFIDENCE = 0.95
Z = float(norm.ppf((1 + CONFIDENCE) / 2))
DRAWS = 2_000
WEIGHED = frozenset({"pr_auc", "macro_f1"})  # sums under weights, over every row
WEIGHED_DRAWS = 500
SLOW_DRAWS = 300  # other metrics are measured anew in each draw
CHALLENGER, CHAMPION = 0, 1
TWO = 2

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What both models said about the same rows.

    Attributes:
        labels: class indices, shape (n,).
        challenger, champion: probabilities, shape (n, classes).
        customers: whose each row is, shape (n,).
        by_row: metric → each row's own value by the challenger and by the champion, for means
            that need more than labels and probabilities (money).
    """

    kind: Kind
    labels: Labels
    challenger: Matrix
    champion: Matrix
    customers: pd.Series[str]
    by_row: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)

    @property
    def answers(self) -> tuple[Matrix, Matrix]:
        return self.challenger, self.champion

    def where(self, rows: npt.NDArray[np.bool_]) -> Pair:
        """The same of some of the rows."""
        return replace(
            self,
            labels=self.labels[rows],
            challenger=self.challenger[rows],
            champion=self.champion[rows],
            customers=self.customers[rows],
            by_row={name: (one[rows], two[rows]) for name, (one, two) in self.by_row.items()},
        )


def difference(pair: Pair, name: str, seed: int = 0) -> Difference:
    """Challenger minus champion in one metric, with its 95 % interval."""
    if name == "roc_auc":
        return delong(pair)
    return bootstrap(pair, name, seed)


def comparable(pair: Pair) -> set[str]:
    """Metrics that `difference` knows for these rows."""
    return {*METRICS[pair.kind], *pair.by_row}


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
    return normal(value, float(np.sqrt(max(variance, 0.0))), "paired DeLong by customer")


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


def bootstrap(pair: Pair, name: str, seed: int) -> Difference:
    """Paired bootstrap over customers: both models under the same draws, percentiles."""
    drawn = [
        under_draws(pair, name, part, CHALLENGER) - under_draws(pair, name, part, CHAMPION)
        for part in parts(pair.customers, seed, draws_of(pair, name))
    ]
    return percentiles(gap(pair, name), np.concatenate(drawn))


def draws_of(pair: Pair, name: str) -> int:
    """As many draws as the metric can afford."""
    if name in ROW_METRICS or name in pair.by_row:
        return DRAWS
    return WEIGHED_DRAWS if name in WEIGHED else SLOW_DRAWS


def under_draws(pair: Pair, name: str, draws: Draws, side: int) -> Floats:
    """One model's metric in every draw, shape (draws,)."""
    if name in pair.by_row:
        return means(draws, pair.by_row[name][side])
    return under(draws, pair.kind, name, pair.labels, pair.answers[side])


def gap(pair: Pair, name: str) -> float:
    """Challenger minus champion on the rows as they are."""
    if name in pair.by_row:
        return float(pair.by_row[name][CHALLENGER].mean() - pair.by_row[name][CHAMPION].mean())
    metric = METRICS[pair.kind][name]
    return metric(pair.labels, pair.challenger) - metric(pair.labels, pair.champion)


def clustered_mean(pair: Pair, name: str) -> Difference:
    """A metric that is a mean over rows, by the normal interval with rows of a customer summed.

    The ratio of two sums over customers, linearised (Cochran 1977, 6.3). It agrees with the
    bootstrap and takes no draws: for many slices at once.
    """
    mine, theirs = pair.by_row.get(name) or (
        ROW_METRICS[name](pair.labels, answers) for answers in pair.answers
    )
    gaps = mine - theirs
    codes, names = pd.factorize(pair.customers, sort=True)
    if len(names) < TWO:
        return unknown("one customer only")
    value = float(gaps.mean())
    sums = np.bincount(codes, gaps - value, minlength=len(names))
    error = np.sqrt(len(names) / (len(names) - 1) * float(sums @ sums)) / len(gaps)
    return normal(value, float(error), "clustered by customer")


def normal(value: float, error: float, method: str) -> Difference:
    """The interval of an estimate that is normal with this standard error."""
    half = Z * error
    return Difference(
        value=value, low=value - half, high=value + half, confidence=CONFIDENCE, method=method
    )


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
