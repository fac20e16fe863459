"""Metrics by name, used by training, the gate and monitoring, so that one word is one number.

Every function takes labels as class indices of shape (n,) and probabilities of shape
(n, classes). What cannot be measured (no rows, one class only) is NaN and never a guess.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from lifecycle.task import Kind

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float64]

BINS = 10
SMALLEST = 1e-15
TWO = 2

HIGHER_IS_BETTER: Mapping[str, bool] = {
    "roc_auc": True,
    "pr_auc": True,
    "log_loss": False,
    "log_loss_skill": True,
    "brier": False,
    "ece": False,
    "accuracy": True,
    "macro_f1": True,
    "top2": True,
    "top3": True,
}


def known(value: float) -> float | None:
    """For a table's cell or for JSON; None: it could not be measured."""
    return float(value) if math.isfinite(value) else None


def measured(values: Mapping[str, float]) -> dict[str, float]:
    """Numbers that runs are compared by; what could not be measured is left out."""
    return {name: float(value) for name, value in values.items() if math.isfinite(value)}


def measure(kind: Kind, labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> dict[str, float]:
    """Every metric of the kind.

    Args:
        kind: binary or multiclass.
        labels: class indices or booleans, shape (n,).
        probabilities: shape (n, classes), or (n,) of the positive class for binary.
    """
    index, matrix = as_arrays(labels, probabilities)
    return {name: metric(index, matrix) for name, metric in METRICS[kind].items()}


def metric(kind: Kind, name: str, labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """One metric by name; see `measure`."""
    index, matrix = as_arrays(labels, probabilities)
    return METRICS[kind][name](index, matrix)


def as_arrays(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> tuple[Labels, Probabilities]:
    """Labels as indices and probabilities as a matrix with one column a class."""
    index = np.asarray(labels).astype(np.int64)
    matrix = np.asarray(probabilities, dtype=np.float64)
    if matrix.ndim == 1:
        matrix = np.column_stack([1 - matrix, matrix])
    return index, matrix


def row_log_loss(labels: Labels, probabilities: Probabilities) -> Probabilities:
    """Each row's own log-loss, shape (n,)."""
    given = probabilities[np.arange(len(labels)), labels]
    return np.asarray(-np.log(np.clip(given, SMALLEST, 1.0)), dtype=np.float64)


def row_brier(labels: Labels, probabilities: Probabilities) -> Probabilities:
    """Each row's squared error of the positive class (binary), shape (n,)."""
    return np.asarray((probabilities[:, 1] - labels) ** 2, dtype=np.float64)


def row_top(k: int) -> Callable[[Labels, Probabilities], Probabilities]:
    """Whether the true class is among the k ranked first, by row; ties go to the lower index."""

    def hits(labels: Labels, probabilities: Probabilities) -> Probabilities:
        first = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
        return np.asarray((first == labels[:, None]).any(axis=1), dtype=np.float64)

    return hits


def row_accuracy(labels: Labels, probabilities: Probabilities) -> Probabilities:
    """Whether the likeliest class is the true one, by row."""
    return np.asarray(probabilities.argmax(axis=1) == labels, dtype=np.float64)


# Metrics that are a mean over rows: their paired difference can be bootstrapped by sums.
ROW_METRICS: Mapping[str, Callable[[Labels, Probabilities], Probabilities]] = {
    "log_loss": row_log_loss,
    "brier": row_brier,
    "accuracy": row_accuracy,
    "top2": row_top(2),
    "top3": row_top(3),
}


def mean_of(name: str) -> Callable[[Labels, Probabilities], float]:
    def mean(labels: Labels, probabilities: Probabilities) -> float:
        values = ROW_METRICS[name](labels, probabilities)
        return float(values.mean()) if len(values) else float("nan")

    return mean


def midranks(values: Probabilities) -> Probabilities:
    """Ranks from 1, ties sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)


def roc_auc(labels: Labels, probabilities: Probabilities) -> float:
    """Area under the ROC curve, by ranks (Mann & Whitney 1947)."""
    positive = labels == 1
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if not n_positive or not n_negative:
        return float("nan")
    ranks = midranks(probabilities[:, 1])
    wins = ranks[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(wins / (n_positive * n_negative))


def pr_auc(labels: Labels, probabilities: Probabilities) -> float:
    """Average precision: precision summed over the steps of recall, ties as one step."""
    positives = int((labels == 1).sum())
    if not positives:
        return float("nan")
    order = np.argsort(-probabilities[:, 1], kind="stable")
    scores = probabilities[order, 1]
    hits = np.cumsum(labels[order] == 1)
    ends = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    precision, recall = hits[ends] / (ends + 1), hits[ends] / positives
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def log_loss_skill(labels: Labels, probabilities: Probabilities) -> float:
    """1 − log-loss / log-loss of these rows' own class shares: 0 knows nothing, 1 all."""
    if not len(labels):
        return float("nan")
    shares = np.bincount(labels) / len(labels)
    entropy = float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())
    if entropy == 0:
        return float("nan")
    return 1 - mean_of("log_loss")(labels, probabilities) / entropy


def expected_calibration_error(confidence: Probabilities, correct: Probabilities) -> float:
    """Mean distance of confidence from frequency over ten bins of equally many rows.

    Bins of equal mass (Nguyen & O'Connor 2015), because bins of equal width put nearly every
    row of a rare class into one bin. Equal confidences may straddle a bin's edge; the order
    among them is that of the rows.
    """
    if not len(confidence):
        return float("nan")
    order = np.argsort(confidence, kind="stable")
    bins = np.array_split(order, min(BINS, len(order)))
    gaps = [len(b) * abs(confidence[b].mean() - correct[b].mean()) for b in bins]
    return float(sum(gaps) / len(order))


def binary_ece(labels: Labels, probabilities: Probabilities) -> float:
    return expected_calibration_error(probabilities[:, 1], (labels == 1).astype(np.float64))


def top_label_ece(labels: Labels, probabilities: Probabilities) -> float:
    """Calibration of the answer's own probability (Guo et al. 2017)."""
    return expected_calibration_error(
        probabilities.max(axis=1), row_accuracy(labels, probabilities)
    )


def macro_f1(labels: Labels, probabilities: Probabilities) -> float:
    """F1 of each class that occurs in the labels or the answers, averaged."""
    if not len(labels):
        return float("nan")
    answers = probabilities.argmax(axis=1)
    scores = []
    for one in np.union1d(labels, answers):
        both = int(((labels == one) & (answers == one)).sum())
        scores.append(TWO * both / (int((labels == one).sum()) + int((answers == one).sum())))
    return float(np.mean(scores))


METRICS: Mapping[Kind, Mapping[str, Callable[[Labels, Probabilities], float]]] = {
    "binary": {
        "roc_auc": roc_auc,
        "pr_auc": pr_auc,
        "log_loss": mean_of("log_loss"),
        "log_loss_skill": log_loss_skill,
        "brier": mean_of("brier"),
        "ece": binary_ece,
        "accuracy": mean_of("accuracy"),
    },
    "multiclass": {
        "log_loss": mean_of("log_loss"),
        "log_loss_skill": log_loss_skill,
        "accuracy": mean_of("accuracy"),
        "macro_f1": macro_f1,
        "top2": mean_of("top2"),
        "top3": mean_of("top3"),
        "ece": top_label_ece,
    },
}
