"""From which probability on the answer is yes: by money where a task states it, else by F1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lifecycle.costs import Costs
from lifecycle.metrics import Labels
from training.model import Matrix

HALF = 0.5


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Where the yes begins.

    Attributes:
        value: the answer is yes from this probability on.
        rule: why, in words.
        empirical: with costs: where the rows themselves would have put it.
    """

    value: float
    rule: str
    empirical: float | None = None


def choose_threshold(costs: Costs | None, labels: Labels, probabilities: Matrix) -> Threshold:
    """The threshold of a binary task.

    With costs it is analytic: a calibrated probability is worth an offer as soon as what the
    offer saves on average exceeds its price (Elkan 2001). What the rows would have chosen is
    reported beside it and not used: it is the same number with noise added.

    Args:
        costs: of the task.
        labels: of rows that the booster did not see, shape (n,).
        probabilities: calibrated, shape (n, 2).
    """
    if costs is None:
        if not (labels == 1).any():
            return Threshold(value=HALF, rule="one half: no yes among the calibration rows")
        return Threshold(
            value=best_threshold(labels, probabilities), rule="highest F1 on the calibration rows"
        )
    why = (
        f"an offer of {costs.money(costs.offer)} that saves {costs.money(costs.saved)} with "
        f"probability {costs.accepted:g} pays from {costs.threshold:.4g} on"
    )
    if not len(labels):
        return Threshold(value=costs.threshold, rule=why)
    empirical = most_earning(costs, labels, probabilities)
    return Threshold(
        value=costs.threshold,
        rule=f"{why}; the calibration rows would have earned most from {empirical:.4g} on",
        empirical=empirical,
    )


def best_threshold(labels: Labels, probabilities: Matrix) -> float:
    """The probability from which "yes" has the highest F1 on the calibration rows.

    F1, because a marketer acts on the yeses: it weighs those missed against those bothered for
    nothing, and needs no costs.
    """
    p, hits, ends = ordered(labels, probabilities)
    f1 = 2 * hits / (np.arange(1, len(p) + 1) + max(int(hits[-1]), 1))
    return float(p[ends[np.argmax(f1[ends])]])


def most_earning(costs: Costs, labels: Labels, probabilities: Matrix) -> float:
    """The probability from which offers earned most; one where each way loses money."""
    p, hits, ends = ordered(labels, probabilities)
    value = costs.worth * hits - costs.offer * np.arange(1, len(p) + 1)
    best = ends[np.argmax(value[ends])]
    return float(p[best]) if value[best] > 0 else 1.0


def ordered(labels: Labels, probabilities: Matrix) -> tuple[Matrix, Labels, Labels]:
    """Probabilities from the highest, the yeses up to each, and where runs of equals end."""
    p = probabilities[:, 1]
    order = np.argsort(-p, kind="stable")
    p = p[order]
    ends = np.append(np.flatnonzero(np.diff(p)), len(p) - 1)  # a tie is one decision
    return p, np.cumsum(labels[order] == 1), ends
