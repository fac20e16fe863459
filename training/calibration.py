"""Makes probabilities mean what they say, on rows that the booster never saw.

Which calibrator is used is decided by held-out log-loss over customers, and the simplest wins
where none is clearly better. What is fitted here is applied by `training.model.calibrate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from lifecycle.metrics import Labels, row_log_loss
from training.model import Matrix, calibrate, normalised

Calibrator = Mapping[str, Any]

PARTS = 5
CLEARLY = 1e-4  # nats of log-loss by which a richer calibrator must win
PENALTY = 1e-4  # keeps the fit finite where a class can be told without error
SLOPES = (0.05, 20.0)
TWO_CLASSES = 2


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """The chosen calibrator and what each choice scored.

    Attributes:
        losses: method → held-out log-loss.
    """

    calibrator: Calibrator
    losses: Mapping[str, float]


def fit_none(raw: Matrix, labels: Labels) -> Calibrator:  # noqa: ARG001  # one shape for all
    return {"method": "none"}


def fit_scaling(raw: Matrix, labels: Labels) -> Calibrator:
    """One slope on log p and one bias a class, by maximum likelihood.

    For two classes this is Platt's sigmoid on the log-odds; for more it is temperature scaling
    with a bias, which repairs what resampling and weights do to the class shares.
    """
    logs = np.log(normalised(raw))
    n, classes = logs.shape
    truth = np.eye(classes)[labels]

    def loss(x: Matrix) -> tuple[float, Matrix]:
        bias = np.concatenate([[0.0], x[1:]])
        logits = x[0] * logs + bias
        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        p = exponentials / exponentials.sum(axis=1, keepdims=True)
        error = (p - truth) / n
        slope = float((error * logs).sum())
        gradient = np.concatenate([[slope], error.sum(axis=0)[1:] + 2 * PENALTY * x[1:]])
        likelihood = -float((truth * np.log(np.maximum(p, 1e-300))).sum()) / n
        return likelihood + PENALTY * float((x[1:] ** 2).sum()), gradient

    start = np.concatenate([[1.0], np.zeros(classes - 1)])
    bounds = [SLOPES, *[(None, None)] * (classes - 1)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return {
        "method": "scaling",
        "temperature": float(1 / found[0]),
        "bias": [0.0, *map(float, found[1:])],
    }


def fit_isotonic(raw: Matrix, labels: Labels) -> Calibrator:
    """One monotone curve a class (two classes: one curve), kept off 0 and 1 by n."""
    probabilities = normalised(raw)
    classes = probabilities.shape[1]
    least = 1 / (len(labels) + 2)
    curves = []
    for one in [1] if classes == TWO_CLASSES else range(classes):
        fit = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
        fit.fit(probabilities[:, one], (labels == one).astype(np.float64))
        curves.append(
            {"x": fit.X_thresholds_.astype(float).tolist(), "y": fit.y_thresholds_.tolist()}
        )
    return {"method": "isotonic", "curves": curves}


METHODS: Mapping[str, Callable[[Matrix, Labels], Calibrator]] = {
    "none": fit_none,
    "scaling": fit_scaling,
    "isotonic": fit_isotonic,
}


def choose(raw: Matrix, labels: Labels, customers: pd.Series[str], seed: int) -> Calibrated:
    """Choose and fit a calibrator.

    Args:
        raw: class probabilities of the calibration rows, shape (n, classes).
        labels: shape (n,).
        customers: whose each row is: a customer's rows stay on one side of each cut.
        seed: of the cuts.
    """
    parts = parts_by_customer(customers, seed)
    losses = {name: held_out_loss(fit, raw, labels, parts) for name, fit in METHODS.items()}
    best = "none"
    for name, loss in losses.items():
        if loss < losses[best] - CLEARLY:
            best = name
    return Calibrated(calibrator=METHODS[best](raw, labels), losses=losses)


def held_out_loss(
    fit: Callable[[Matrix, Labels], Calibrator], raw: Matrix, labels: Labels, parts: Labels
) -> float:
    """Mean log-loss of each part under a calibrator fitted on the others."""
    losses = np.zeros(len(labels))
    for part in np.unique(parts):
        inside = parts == part
        if inside.all():
            return float("inf")  # one customer: nothing can be held out
        calibrator = fit(raw[~inside], labels[~inside])
        losses[inside] = row_log_loss(labels[inside], calibrate(calibrator, raw[inside]))
    return float(losses.mean())


def parts_by_customer(customers: pd.Series[str], seed: int) -> Labels:
    """A part for each row, the same for all rows of a customer."""
    codes, names = pd.factorize(customers, sort=True)
    drawn = np.random.default_rng(seed).permutation(len(names)) % PARTS
    return np.asarray(drawn[codes], dtype=np.int64)


def best_threshold(labels: Labels, probabilities: Matrix) -> float:
    """The probability from which "yes" has the highest F1 on the calibration rows.

    F1, because a marketer acts on the yeses: it weighs those missed against those bothered for
    nothing, and needs no costs.
    """
    p = probabilities[:, 1]
    order = np.argsort(-p, kind="stable")
    hits = np.cumsum(labels[order] == 1)
    f1 = 2 * hits / (np.arange(1, len(p) + 1) + max(int(hits[-1]), 1))
    ends = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)  # a tie is one decision
    return float(p[order][ends[np.argmax(f1[ends])]])
