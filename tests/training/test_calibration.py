"""Calibration repairs what balancing breaks, and leaves alone what is right."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.metrics import metric
from training.calibration import METHODS, choose
from training.model import calibrate


def draw(n: int, seed: int, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """True probabilities and labels drawn from them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.linspace(2, 1, classes), n)
    labels = (p.cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1)
    return p, labels.astype(np.int64)


def customers(n: int) -> pd.Series:
    return pd.Series([f"c{i // 3}" for i in range(n)])


@pytest.mark.parametrize("classes", [2, 4])
def test_true_probabilities_are_left_alone(classes: int) -> None:
    """Where nothing is wrong, no calibrator is the choice."""
    p, labels = draw(3_000, 1, classes)
    assert choose(p, labels, customers(3_000), 0).calibrator["method"] == "none"


@pytest.mark.parametrize("classes", [2, 4])
def test_balanced_probabilities_are_repaired(classes: int) -> None:
    """Probabilities as class weights leave them come back to about the truth's log-loss."""
    p, labels = draw(4_000, 2, classes)
    skewed = p * np.geomspace(1, 6, classes)
    skewed /= skewed.sum(axis=1, keepdims=True)
    found = choose(skewed[:2_000], labels[:2_000], customers(2_000), 0)
    repaired = calibrate(found.calibrator, skewed[2_000:])
    kind = "binary" if classes == 2 else "multiclass"
    truth = metric(kind, "log_loss", labels[2_000:], p[2_000:])
    raw = metric(kind, "log_loss", labels[2_000:], skewed[2_000:])
    assert found.calibrator["method"] == "scaling"
    assert metric(kind, "log_loss", labels[2_000:], repaired) < truth + 0.1 * (raw - truth)


def test_a_bent_curve_takes_isotonic() -> None:
    """What no sigmoid can mend is mended by steps."""
    p, labels = draw(6_000, 3)
    bent = np.where(p[:, 1] < 0.5, 0.02 * p[:, 1], 0.96 + 0.04 * p[:, 1])
    raw = np.column_stack([1 - bent, bent])
    assert choose(raw, labels, customers(6_000), 0).calibrator["method"] == "isotonic"


@given(seed=st.integers(0, 999), classes=st.integers(2, 4), method=st.sampled_from(sorted(METHODS)))
@settings(deadline=None, max_examples=30)
def test_calibrated_rows_are_probabilities(seed: int, classes: int, method: str) -> None:
    """Whatever went in, rows sum to one inside (0, 1), and the calibrator survives JSON."""
    p, labels = draw(200, seed, classes)
    calibrator = json.loads(json.dumps(METHODS[method](p, labels)))
    extreme = np.eye(classes)[labels]
    for raw in (p, extreme):
        found = calibrate(calibrator, raw)
        assert found.sum(axis=1) == pytest.approx(1)
        assert ((found > 0) & (found < 1)).all()


def test_an_unknown_calibrator_is_refused() -> None:
    """A version from a later release does not silently score raw."""
    with pytest.raises(ValueError, match="unknown calibrator 'spline'"):
        calibrate({"method": "spline"}, np.array([[0.5, 0.5]]))
