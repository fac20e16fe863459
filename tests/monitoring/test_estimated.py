"""What is expected before labels: right under drift of inputs, blind to a changed relation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.metrics import METRICS, as_arrays
from monitoring.estimated import estimate, expected, expected_auc, isotonic
from monitoring.performance import Answers

ROWS = 4_000


def world(seed: int, *, shift: float = 0.0, spread: float = 1.0, sign: float = 1.0,
          rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Predictions that meant what they say when x was standard normal, and what came of them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(shift, spread, rows)
    return 1 / (1 + np.exp(-1.5 * x)), (
        rng.uniform(size=rows) < 1 / (1 + np.exp(-1.5 * sign * x))
    ).astype(float)


def came_of(predictions: np.ndarray, came_true: np.ndarray) -> Answers:
    labels, matrix = as_arrays(came_true, predictions)
    return Answers(
        kind="binary", labels=labels, probabilities=matrix, confidence=predictions,
        came_true=came_true, customers=np.arange(len(labels)).astype(object),
    )  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from((0.1, 0.2, 0.5, 0.7)), st.integers(0, 1)), min_size=2)
    .filter(lambda rows: len({label for _, label in rows}) > 1)
)  # fmt: skip
def test_certain_rows_have_the_metric_itself(rows: list[tuple[float, int]]) -> None:
    """Where every outcome is certain, what is expected is what is measured, ties and all."""
    predictions = np.array([p for p, _ in rows])
    truth = np.array([float(label) for _, label in rows])
    for name in ("roc_auc", "log_loss", "brier"):
        measured = METRICS["binary"][name](*as_arrays(truth, predictions))
        assert expected(name, predictions, truth) == pytest.approx(measured)


def test_expected_auc_is_that_of_drawn_outcomes() -> None:
    """Outcomes drawn from the probabilities have that ROC-AUC on average."""
    rng = np.random.default_rng(1)
    p = rng.beta(2, 5, 400)
    scores = np.round(p + rng.normal(0, 0.1, 400), 1)
    drawn = [
        METRICS["binary"]["roc_auc"](*as_arrays(rng.uniform(size=400) < p, scores))
        for _ in range(400)
    ]
    assert expected_auc(scores, p) == pytest.approx(np.mean(drawn), abs=0.004)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=60))
def test_isotonic_rises_and_keeps_the_mean(rows: list[tuple[float, int]]) -> None:
    """Calibrated values never fall as predictions rise, and are right on average."""
    predictions, truth = (np.array(side, dtype=float) for side in zip(*rows, strict=True))
    calibrated = isotonic(predictions, truth)
    found = calibrated(np.sort(predictions))
    assert (np.diff(found) >= -1e-12).all()
    assert calibrated(predictions).mean() == pytest.approx(truth.mean())


@pytest.mark.parametrize(("shift", "spread"), [(0.0, 1.0), (0.7, 1.0), (0.0, 0.5), (-0.5, 1.3)])
def test_right_under_drift_of_inputs(shift: float, spread: float) -> None:
    """However inputs move, the expected ROC-AUC is near the one that comes: within 0.03."""
    now = world(2, shift=shift, spread=spread)
    found = estimate("roc_auc", 0.8, world(1), now[0], [came_of(*now)])
    assert found is not None
    assert found.errors[0][0] == pytest.approx(found.value)
    assert found.error < 0.03


def test_blind_to_a_changed_relation() -> None:
    """When yes means no, nothing is expected to change; only its error on ripened windows tells."""
    now = world(2, sign=-1.0)
    found = estimate("roc_auc", 0.8, world(1), now[0], [came_of(*now)])
    assert found is not None
    assert abs(found.loss) < 0.05
    assert found.error > 0.4
    assert "off by 0." in found.words


def test_nothing_is_estimated_of_few_rows_or_other_metrics() -> None:
    """Too few rows on either side, or a metric that rows do not add up to, have no estimate."""
    few = world(1, rows=150)
    assert estimate("roc_auc", 0.8, few, world(2)[0]) is None
    assert estimate("roc_auc", 0.8, world(1), few[0]) is None
    assert estimate("pr_auc", 0.8, world(1), world(2)[0]) is None
