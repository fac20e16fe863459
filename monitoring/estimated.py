"""What the watched metric is likely to be before labels ripen.

Confidence-based performance estimation (CBPE; NannyML's documentation, and Guerra et al. 2024):
where probabilities mean what they say, they say how often each answer will come true, and so
what a metric will be on average. Probabilities are calibrated by isotonic regression on the
reference first. The metric is then that of each row counted twice: as a yes with the weight p
and as a no with the weight 1 − p.

It sees what a change of the inputs does to the metric, and by construction nothing of a changed
relation between inputs and outcome: it assumes that away. So it stands beside its error on
windows whose labels have ripened since, and opens no retrain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from lifecycle.metrics import HIGHER_IS_BETTER
from monitoring.performance import Answers, Yardstick

LEAST_ROWS = 200  # of the reference, to calibrate on
CLIPPED = 1e-6
ESTIMATED = ("roc_auc", "log_loss", "brier")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The metric that is expected of a window whose labels are not known yet.

    Attributes:
        metric: which.
        value: expected on the current window.
        baseline: what windows are held against.
        rows: answers that it rests on.
        errors: (expected, as it came) of ripened windows, newest first.
    """

    metric: str
    value: float
    baseline: float
    rows: int
    errors: tuple[tuple[float, float], ...] = ()

    @property
    def error(self) -> float:
        """Mean distance from what came, over ripened windows; nan where none has ripened."""
        gaps = [abs(expected - came) for expected, came in self.errors]
        return float(np.mean(gaps)) if gaps else float("nan")

    @property
    def loss(self) -> float:
        """How far it is expected to fall short."""
        higher = HIGHER_IS_BETTER.get(self.metric, True)
        return self.baseline - self.value if higher else self.value - self.baseline

    @property
    def words(self) -> str:
        measured = (
            f"off by {self.error:.3f} on average in {len(self.errors)} windows that have ripened"
            if self.errors
            else "its error is not known yet: no window has ripened"
        )
        return f"{self.metric} is estimated at {self.value:.3f} before labels ({measured})"


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """An isotonic step function: `levels[i]` from `edges[i]` on."""

    edges: Floats
    levels: Floats

    def __call__(self, predictions: Floats) -> Floats:
        """P(yes) for each prediction, between the steps on a straight line; shape (n,)."""
        return np.asarray(np.interp(predictions, self.edges, self.levels), dtype=np.float64)


def isotonic(predictions: Floats, came_true: Floats) -> Calibrated:
    """Fit by pooling adjacent violators (Ayer et al. 1955).

    Args:
        predictions: shape (n,), n > 0.
        came_true: 0 or 1, shape (n,).
    """
    order = np.argsort(predictions, kind="stable")
    places, inverse = np.unique(predictions[order], return_inverse=True)
    weights = np.bincount(inverse).astype(np.float64)
    means = np.bincount(inverse, came_true[order]) / weights
    levels: list[float] = []
    held: list[float] = []
    widths: list[int] = []
    for mean, weight in zip(means.tolist(), weights.tolist(), strict=True):
        levels.append(mean)
        held.append(weight)
        widths.append(1)
        while len(levels) > 1 and levels[-2] >= levels[-1]:
            both = held[-2] + held[-1]
            levels[-2] = (levels[-2] * held[-2] + levels[-1] * held[-1]) / both
            held[-2], widths[-2] = both, widths[-2] + widths[-1]
            levels.pop(), held.pop(), widths.pop()
    return Calibrated(edges=places, levels=np.repeat(levels, widths))


def expected(metric: str, ranks: Floats, probabilities: Floats) -> float:
    """The metric that calibrated probabilities promise.

    Args:
        metric: one of `ESTIMATED`.
        ranks: the predictions as given: what rows are ordered and scored by, shape (n,).
        probabilities: calibrated P(yes), shape (n,).
    """
    if metric == "roc_auc":
        return expected_auc(ranks, probabilities)
    given = np.clip(ranks, CLIPPED, 1 - CLIPPED)
    if metric == "brier":
        return float(np.mean(probabilities * (1 - given) ** 2 + (1 - probabilities) * given**2))
    yes, no = -np.log(given), -np.log1p(-given)
    return float(np.mean(probabilities * yes + (1 - probabilities) * no))


def expected_auc(ranks: Floats, probabilities: Floats) -> float:
    """P(a yes is ranked above a no), every row both by its weights; ties count one half."""
    _, group = np.unique(ranks, return_inverse=True)
    yes = np.bincount(group, probabilities)
    no = np.bincount(group, 1 - probabilities)
    if not yes.sum() or not no.sum():
        return float("nan")
    below = np.cumsum(no) - no / 2
    # a row is never held against itself: its own yes would meet its own no
    itself = float(np.sum(probabilities * (1 - probabilities)))
    return float((np.sum(yes * below) - itself / 2) / (yes.sum() * no.sum() - itself))


def estimate(
    metric: str,
    baseline: float,
    reference: tuple[Floats, Floats],
    current: Floats,
    ripened: Sequence[Answers] = (),
) -> Estimate | None:
    """Expect the metric of the current window, and say how such expectations fared before.

    Args:
        metric: the watched one.
        baseline: what windows are held against.
        reference: predictions of the version's own test and what came of them.
        current: predictions of the champion in the current window.
        ripened: labelled answers of earlier windows, newest first.

    Returns:
        None for several classes, another metric, or too few rows on either side.
    """
    predictions, came_true = reference
    several = any(given.kind != "binary" for given in ripened)
    if metric not in ESTIMATED or several or min(len(predictions), len(current)) < LEAST_ROWS:
        return None
    calibrated = isotonic(predictions, came_true)
    known = [given for given in ripened if len(given) >= LEAST_ROWS]
    return Estimate(
        metric=metric, value=expected(metric, current, calibrated(current)), baseline=baseline,
        rows=len(current),
        errors=tuple((expected(metric, one.confidence, calibrated(one.confidence)),
                      came(metric, one)) for one in known),
    )  # fmt: skip


def expected_of(
    by: Yardstick, reference: pd.DataFrame, current: pd.DataFrame, ripened: Sequence[Answers]
) -> Estimate | None:
    """`estimate`, of logged rows.

    Args:
        by: names the metric and what windows are held against.
        reference: `prediction` and `label` of the version's own test.
        current: `prediction` of its rows in the window.
        ripened: labelled answers of earlier windows, newest first.
    """
    if by.kind != "binary" or current.empty:
        return None
    known = reference[reference["label"].notna()]
    tested = (
        np.asarray(known["prediction"], dtype=np.float64),
        np.asarray(known["label"].astype(bool), dtype=np.float64),
    )
    now = np.asarray(current["prediction"], dtype=np.float64)
    return estimate(by.monitor.metric, by.baseline, tested, now, ripened)


def came(metric: str, given: Answers) -> float:
    """The metric as it came: the same sums, with certainty in place of probability."""
    return expected(metric, given.confidence, given.came_true)
