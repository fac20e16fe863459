"""Makes probabilities mean what they say, on rows that the booster never saw.

Which calibrator is used is decided by held-out log-loss over entities, and the simplest wins
unless a richer one is better by more than its noise. What is fitted here is applied by
`training.model.calibrate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from lifecycle.metrics import Labels, row_log_loss
from training.model import Matrix, calibrate, normalised

Calibrator = Mapping[str, Any]
Fit = Callable[[Matrix, Labels], Calibrator]
Entities: TypeAlias = "pd.Series[Any] | npt.NDArray[Any]"

PARTS = 5
CLEARLY = 1e-4  # nats of log-loss by which a richer calibrator must win at least
# … and so many standard errors. Simulated on ten shapes of error and 150 to 4,000 rows, half an
# error cost the least log-loss; isotonic, which follows noise, was best held to a whole one.
ERRORS = {"isotonic": 1.0}
ERRORS_OF_OTHERS = 0.5
PENALTY = 1e-4  # keeps the fit finite where a class can be told without error
SLOPES = (0.05, 20.0)
BETA_SLOPES = (0.0, 20.0)
STEPS = 25
PRECISE = 1e-9
TWO_CLASSES = 2


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """The chosen calibrator and what each choice scored.

    Attributes:
        losses: method → held-out log-loss, the simplest first; infinite where nothing could
            be held out.
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
    found = platt(logs[:, 1] - logs[:, 0], labels) if logs.shape[1] == TWO_CLASSES else None
    slope, *biases = by_gradient(logs, labels) if found is None else found
    return {"method": "scaling", "temperature": 1 / slope, "bias": [0.0, *biases]}


def platt(log_odds: Matrix, labels: Labels) -> tuple[float, float] | None:
    """Slope and bias by Newton's method, a tenth of the time of `by_gradient`.

    Returns:
        None where the likelihood has no maximum within the bounds of the slope.
    """
    x, n = np.array([1.0, 0.0]), len(labels)
    for _ in range(STEPS):
        p = expit(x[0] * log_odds + x[1])
        error, weight = p - labels, p * (1 - p)
        gradient = np.array([error @ log_odds, error.sum() + 2 * PENALTY * n * x[1]])
        weighed = weight * log_odds
        cross = weighed.sum()
        curvature = np.array([[weighed @ log_odds, cross], [cross, weight.sum() + 2 * PENALTY * n]])
        if not np.linalg.cond(curvature) < 1 / PRECISE:
            return None
        step = np.linalg.solve(curvature, gradient)
        x = x - step
        if not SLOPES[0] <= x[0] <= SLOPES[1]:
            return None
        if np.abs(step).max() < PRECISE:
            return float(x[0]), float(x[1])
    return None


def by_gradient(logs: Matrix, labels: Labels) -> tuple[float, ...]:
    """Slope and the biases of the classes after the first, within the bounds of the slope."""
    n, classes = logs.shape
    truth = np.eye(classes)[labels]

    def loss(x: Matrix) -> tuple[float, Matrix]:
        logits = x[0] * logs + np.concatenate([[0.0], x[1:]])
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
    return tuple(map(float, found))


def fit_beta(raw: Matrix, labels: Labels) -> Calibrator:
    """Beta calibration of two classes (Kull, Silva Filho & Flach 2017).

    A logistic regression on log p and −log(1 − p) whose slopes are not negative, so that the
    order of rows stays. Unlike the sigmoid it can leave right probabilities as they are and
    bend the two ends differently.
    """
    no, yes = np.log(normalised(raw)).T
    table = np.column_stack([yes, -no, np.ones(len(yes))])
    n = len(labels)

    def loss(x: Matrix) -> tuple[float, Matrix]:
        logits = table @ x
        gradient = table.T @ (expit(logits) - labels) / n
        gradient[2] += 2 * PENALTY * x[2]
        likelihood = float((np.logaddexp(0, logits) - labels * logits).mean())
        return likelihood + PENALTY * float(x[2] ** 2), gradient

    bounds = [BETA_SLOPES, BETA_SLOPES, (None, None)]
    start = np.array([1.0, 1.0, 0.0])
    a, b, c = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return {"method": "beta", "a": float(a), "b": float(b), "c": float(c)}


def fit_isotonic(raw: Matrix, labels: Labels) -> Calibrator:
    """One rising curve a class (two classes: one curve), kept off 0 and 1 by n.

    Centred isotonic regression (Oron & Flournoy 2017): straight lines between the middles of
    the steps of the plain one. Rows of one step keep their order, which steps would make a tie.
    """
    probabilities = normalised(raw)
    classes = probabilities.shape[1]
    least = 1 / (len(labels) + 2)
    curves = []
    for one in [1] if classes == TWO_CLASSES else range(classes):
        p = probabilities[:, one]
        fit = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
        steps = fit.fit_transform(p, (labels == one).astype(np.float64))
        heights, step_of, rows = np.unique(steps, return_inverse=True, return_counts=True)
        middles = np.bincount(step_of, p) / rows
        curves.append(centred(middles, heights, rows))
    return {"method": "isotonic", "curves": curves}


def centred(middles: Matrix, heights: Matrix, rows: Labels) -> dict[str, list[float]]:
    """The curve through the steps' middles, and on beyond the first and the last to 0 and 1.

    There it goes on by what one row more in the outer step could have changed: the order of the
    surest rows stays too.
    """
    low = heights[0] * rows[0] / (rows[0] + 1)
    high = (heights[-1] * rows[-1] + 1) / (rows[-1] + 1)
    x, y = np.concatenate([[0.0], middles, [1.0]]), np.concatenate([[low], heights, [high]])
    kept = np.concatenate([[True], np.diff(x) > 0])
    return {"x": x[kept].tolist(), "y": y[kept].tolist()}


def fit_prior(raw: Matrix, labels: Labels, shift: Mapping[int, float]) -> Calibrator:  # noqa: ARG001  # one shape for all
    """Known shifts of the log-odds; nothing is fitted (Saerens et al. 2002; Elkan 2001)."""
    bias = [float(shift.get(one, 0.0)) for one in range(raw.shape[1])]
    return {"method": "prior", "temperature": 1.0, "bias": bias}


def offered(classes: int, shift: Mapping[int, float] | None) -> dict[str, Fit]:
    """The calibrators that these probabilities may take; the simplest first, who wins ties."""
    found: dict[str, Fit] = {"none": fit_none}
    if shift is not None:
        found["prior"] = partial(fit_prior, shift=shift)
    found["scaling"] = fit_scaling
    if classes == TWO_CLASSES:
        found["beta"] = fit_beta
    return {**found, "isotonic": fit_isotonic}


def prior_shift(
    before: Labels, after: Labels, weights: npt.NDArray[np.float64] | None = None
) -> dict[int, float] | None:
    """Class → log of its share before balancing over its (weighed) share in what was fitted.

    Of a blend of boosters the shift is the same blend of their shifts, because scores are
    blended as log-odds. None where the shares were left as they are.
    """
    classes = int(max(before.max(), after.max())) + 1
    true = np.bincount(before, minlength=classes) / len(before)
    fitted = np.bincount(after, weights, minlength=classes)
    fitted = fitted / fitted.sum()
    if np.allclose(true, fitted, rtol=1e-9, atol=0):
        return None
    both = np.flatnonzero((true > 0) & (fitted > 0))
    return {int(one): float(np.log(true[one] / fitted[one])) for one in both}


def choose(
    raw: Matrix,
    labels: Labels,
    entities: Entities,
    seed: int,
    *,
    shift: Mapping[int, float] | None = None,
) -> Calibrated:
    """Choose and fit a calibrator.

    Taken is the simplest whose held-out loss is not above the lowest by more than the noise of
    the difference between the two (after Breiman et al. 1984).

    Args:
        raw: class probabilities of rows that the booster did not see, shape (n, classes).
        labels: shape (n,).
        entities: whose each row is: an entity's rows stay on one side of each cut.
        seed: of the cuts.
        shift: of a booster that was fitted on other class shares, see `prior_shift`.
    """
    methods = offered(raw.shape[1], shift)
    codes, names = pd.factorize(np.asarray(entities), sort=True)
    if len(names) < TWO_CLASSES or len(np.unique(labels)) < TWO_CLASSES:
        known = "none" if shift is None else "prior"  # nothing can be learnt, so take what is known
        losses = dict.fromkeys(methods, float("inf"))
        return Calibrated(calibrator=methods[known](raw, labels), losses=losses)
    parts = (np.random.default_rng(seed).permutation(len(names)) % PARTS)[codes]
    rows = {name: held_out(fit, raw, labels, parts) for name, fit in methods.items()}
    best = simplest(rows, codes)
    losses = {name: float(values.mean()) for name, values in rows.items()}
    return Calibrated(calibrator=methods[best](raw, labels), losses=losses)


def held_out(fit: Fit, raw: Matrix, labels: Labels, parts: Labels) -> Matrix:
    """Each row's log-loss, shape (n,), under a calibrator fitted on the other parts."""
    losses = np.zeros(len(labels))
    for part in np.unique(parts):
        inside = parts == part
        calibrator = fit(raw[~inside], labels[~inside])
        losses[inside] = row_log_loss(labels[inside], calibrate(calibrator, raw[inside]))
    return losses


def simplest(rows: Mapping[str, Matrix], codes: Labels) -> str:
    """The first that is not clearly worse than the one of lowest mean loss."""
    lowest = min(rows, key=lambda name: float(rows[name].mean()))
    errors = ERRORS.get(lowest, ERRORS_OF_OTHERS)
    for name, losses in rows.items():
        gap = losses - rows[lowest]
        if float(gap.mean()) <= max(CLEARLY, errors * standard_error(gap, codes)):
            return name
    return lowest


def standard_error(values: Matrix, codes: Labels) -> float:
    """Of the mean, with the rows of one entity taken together; at least two entities."""
    sums = np.bincount(codes, values - values.mean())
    clusters = len(sums)
    return float(np.sqrt(sums @ sums * clusters / (clusters - 1))) / len(values)
