"""Several models against one on the same rows, every interval from one set of draws.

`training.promotion.paired` tells two models apart; telling ten from one that way would draw the
same customers ten times. Here whole entities are drawn once (a bootstrap of clusters), as integer
weights, and every metric of every model is measured under them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from lifecycle.gate import Difference
from lifecycle.metrics import METRICS, ROW_METRICS, Labels
from lifecycle.task import Kind
from training.model import Matrix
from training.promotion.paired import SLOW_DRAWS, Pair, delong, percentiles

DRAWS = 500
CELLS = 2**21  # weights at once: 16 MB
CONTRASTED: Mapping[Kind, tuple[str, ...]] = {
    "binary": ("roc_auc", "pr_auc", "log_loss", "brier"),
    "multiclass": ("log_loss", "accuracy", "macro_f1", "top2"),
}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What everybody said about the same rows.

    Attributes:
        labels: class indices, shape (n,).
        reference: probabilities that the others are compared with, shape (n, classes).
        others: name → probabilities, shape (n, classes).
        entities: whose each row is, shape (n,).
    """

    kind: Kind
    labels: Labels
    reference: Matrix
    others: Mapping[str, Matrix]
    entities: npt.NDArray[np.object_]


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Entities drawn with replacement, once for every model and metric.

    Attributes:
        weights: how often each entity was drawn, shape (draws, entities).
        codes: each row's entity, shape (n,).
    """

    weights: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, entities: npt.NDArray[np.object_], seed: int) -> Draws:
        codes, names = pd.factorize(entities)
        even = np.full(len(names), 1 / len(names))
        weights = np.random.default_rng(seed).multinomial(len(names), even, size=DRAWS)
        return cls(weights=weights, codes=codes)

    @cached_property
    def floats(self) -> Floats:
        """The weights, for products."""
        return self.weights.astype(np.float64)

    def sums(self, values: Floats) -> Floats:
        """The sum of the drawn rows' values in every draw, shape (draws, …)."""
        own = np.zeros((self.weights.shape[1], *values.shape[1:]))
        np.add.at(own, self.codes, values)
        return np.asarray(self.floats @ own, dtype=np.float64)


def differences(contest: Contest, seed: int = 0) -> dict[str, dict[str, Difference]]:
    """Other → metric → other minus reference, with a 95 % interval by entity.

    ROC-AUC by DeLong's test, the other metrics by the percentiles of the bootstrap. The
    boosters are as they are: an interval speaks of other rows, not of another fit.
    """
    draws = Draws.of(contest.entities, seed)
    found: dict[str, dict[str, Difference]] = {name: {} for name in contest.others}
    for metric in CONTRASTED[contest.kind]:
        if metric == "roc_auc":
            for name in contest.others:
                found[name][metric] = delong(pair_of(contest, name))
            continue
        reference = under(draws, metric, contest.labels, contest.reference)
        for name, answers in contest.others.items():
            drawn = under(draws, metric, contest.labels, answers) - reference
            found[name][metric] = percentiles(gap(contest, name, metric), drawn)
    return found


def gap(contest: Contest, name: str, metric: str) -> float:
    measure = METRICS[contest.kind][metric]
    mine = measure(contest.labels, contest.others[name])
    return mine - measure(contest.labels, contest.reference)


def pair_of(contest: Contest, name: str) -> Pair:
    return Pair(
        kind=contest.kind,
        labels=contest.labels,
        challenger=contest.others[name],
        champion=contest.reference,
        customers=pd.Series(contest.entities),
    )


def under(draws: Draws, metric: str, labels: Labels, answers: Matrix) -> Floats:
    """One metric in every draw, shape (draws,): a mean over rows, pr_auc or macro_f1."""
    if metric in ROW_METRICS:
        values = ROW_METRICS[metric](labels, answers)
        return np.asarray(draws.sums(values) / draws.sums(np.ones(len(values))))
    if metric == "macro_f1":
        return drawn_macro_f1(draws, labels, answers.argmax(axis=1))
    step = max(1, CELLS // len(labels))
    weights = draws.weights[:SLOW_DRAWS].astype(np.int32)
    parts = [weights[start : start + step] for start in range(0, len(weights), step)]
    found = [drawn_precision(part, draws.codes, labels, answers[:, 1]) for part in parts]
    return np.concatenate(found)


def drawn_macro_f1(draws: Draws, labels: Labels, answers: Labels) -> Floats:
    """F1 of each class that occurs in a draw's labels or answers, averaged."""
    classes = np.arange(int(max(labels.max(), answers.max())) + 1)
    true, said = labels[:, None] == classes, answers[:, None] == classes
    both = draws.sums((true & said).astype(np.float64))
    either = draws.sums(true.astype(np.float64) + said)
    f1 = np.divide(2 * both, either, out=np.zeros_like(both), where=either > 0)
    return np.asarray(f1.sum(axis=1) / (either > 0).sum(axis=1))


def drawn_precision(
    weights: npt.NDArray[np.int32], codes: npt.NDArray[np.int64], labels: Labels, scores: Floats
) -> Floats:
    """Average precision in every draw; rows of equal score are one step of recall."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.flatnonzero(labels[order] == 1)
    drawn = weights[:, codes[order]]
    # precision counts only where recall grows: the rest of the rows need no more than their sum
    last = ends[np.searchsorted(ends, hits)]
    seen = np.cumsum(drawn, axis=1, dtype=np.int32)[:, last]
    gained = drawn[:, hits]
    so_far = np.cumsum(gained, axis=1)[:, np.searchsorted(hits, last, side="right") - 1]
    steps = (gained * (so_far / np.maximum(seen, 1))).sum(axis=1)
    positives = gained.sum(axis=1)
    unknown = np.full(len(weights), np.nan)  # a draw without a positive cannot be measured
    return np.asarray(np.divide(steps, positives, out=unknown, where=positives > 0))
