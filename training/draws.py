"""Customers drawn with replacement (a bootstrap of clusters), as weights and not as copies.

Drawing a customer twice is giving each of its rows the weight two. Means over rows, F1 and
average precision are then sums under weights, for many draws at once; what has no such form is
measured on the drawn rows, draw by draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from lifecycle.metrics import METRICS, ROW_METRICS, Labels
from lifecycle.task import Kind
from training.model import Matrix

CELLS = 2**21  # weights at once: 16 MB

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Entities drawn with replacement.

    Attributes:
        weights: how often each entity was drawn, shape (draws, entities).
        codes: each row's entity, shape (n,).
    """

    weights: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, entities: npt.ArrayLike, seed: int, draws: int) -> Draws:
        """All at once, where several models are measured under them."""
        found = list(parts(entities, seed, draws))
        return cls(weights=np.concatenate([one.weights for one in found]), codes=found[0].codes)

    @cached_property
    def floats(self) -> Floats:
        """The weights, for products."""
        return self.weights.astype(np.float64)

    def first(self, draws: int) -> Draws:
        return Draws(weights=self.weights[:draws], codes=self.codes)

    def sums(self, values: Floats) -> Floats:
        """The sum of the drawn rows' values in every draw, shape (draws, …)."""
        entities = self.weights.shape[1]
        if values.ndim == 1:
            return np.asarray(self.floats @ np.bincount(self.codes, values, minlength=entities))
        own = np.zeros((entities, *values.shape[1:]))
        np.add.at(own, self.codes, values)
        return np.asarray(self.floats @ own, dtype=np.float64)


def parts(entities: npt.ArrayLike, seed: int, draws: int) -> Iterator[Draws]:
    """That many draws, in parts that fit in memory; the parts of one seed are always the same.

    Args:
        entities: whose each row is, shape (n,).
        seed: of the draws.
        draws: how many in all.
    """
    codes, names = pd.factorize(np.asarray(entities), sort=True)
    known = len(names)
    rng = np.random.default_rng(seed)
    step = max(1, min(draws, CELLS // max(known, 1)))
    for start in range(0, draws, step):
        many = min(step, draws - start)
        drawn = rng.integers(known, size=(many, known)) + np.arange(many)[:, None] * known
        weights = np.bincount(drawn.ravel(), minlength=many * known).reshape(many, known)
        yield Draws(weights=weights, codes=codes)


def under(draws: Draws, kind: Kind, metric: str, labels: Labels, answers: Matrix) -> Floats:
    """One metric in every draw, shape (draws,); NaN where a draw cannot be measured."""
    if metric in ROW_METRICS:
        return means(draws, ROW_METRICS[metric](labels, answers))
    if metric == "macro_f1":
        return drawn_macro_f1(draws, labels, answers.argmax(axis=1))
    if metric == "pr_auc":
        return drawn_pr_auc(draws, labels, answers[:, 1])
    measure = METRICS[kind][metric]
    rows = np.arange(len(labels))
    drawn = (np.repeat(rows, weights[draws.codes]) for weights in draws.weights)
    return np.array([measure(labels[one], answers[one]) for one in drawn])


def means(draws: Draws, values: Floats) -> Floats:
    """The mean of the drawn rows' values in every draw."""
    return np.asarray(draws.sums(values) / draws.sums(np.ones(len(values))))


def drawn_macro_f1(draws: Draws, labels: Labels, answers: Labels) -> Floats:
    """F1 of each class that occurs in a draw's labels or answers, averaged."""
    classes = np.arange(int(max(labels.max(), answers.max())) + 1)
    true, said = labels[:, None] == classes, answers[:, None] == classes
    both = draws.sums((true & said).astype(np.float64))
    either = draws.sums(true.astype(np.float64) + said)
    f1 = np.divide(2 * both, either, out=np.zeros_like(both), where=either > 0)
    return np.asarray(f1.sum(axis=1) / (either > 0).sum(axis=1))


def drawn_pr_auc(draws: Draws, labels: Labels, scores: Floats) -> Floats:
    """Average precision in every draw."""
    step = max(1, CELLS // len(labels))
    weights = draws.weights.astype(np.int32)
    found = [
        drawn_precision(weights[start : start + step], draws.codes, labels, scores)
        for start in range(0, len(weights), step)
    ]
    return np.concatenate(found)


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
