"""Customers drawn as weights: the same draws whatever the parts, the same numbers as copies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lifecycle.metrics import METRICS
from lifecycle.task import Kind
from training import draws
from training.draws import Draws, parts, under

WHO = np.repeat([f"c{i}" for i in range(40)], 3)


@pytest.mark.parametrize("cells", [1, 90, 2**21])
def test_parts_do_not_change_the_draws(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many fit in memory at once, a seed stands for the same draws."""
    whole = Draws.of(WHO, 3, 20)
    monkeypatch.setattr(draws, "CELLS", cells)
    found = [part.weights for part in parts(WHO, 3, 20)]
    assert np.concatenate(found).tolist() == whole.weights.tolist()
    assert len(found) == {1: 20, 90: 10, 2**21: 1}[cells]


def test_a_draw_is_of_as_many_customers() -> None:
    """Each draw has as many customers as there are, on average each of them once."""
    found = Draws.of(WHO, 0, 2_000)
    assert found.weights.shape == (2_000, 40)
    assert set(found.weights.sum(axis=1)) == {40}
    assert found.weights.mean(axis=0) == pytest.approx(np.ones(40), abs=0.12)
    assert pd.Series(found.codes).nunique() == 40


@pytest.mark.parametrize(
    ("kind", "metric"),
    [("binary", "ece"), ("binary", "pr_auc"), ("binary", "log_loss_skill"), ("binary", "brier"),
     ("multiclass", "ece"), ("multiclass", "macro_f1"), ("multiclass", "top3")],
)  # fmt: skip
def test_every_metric_is_that_of_the_drawn_rows(kind: Kind, metric: str) -> None:
    """By weights or by copies: the number that repeated rows give."""
    rng = np.random.default_rng(1)
    classes = 2 if kind == "binary" else 4
    labels = rng.integers(0, classes, len(WHO))
    answers = rng.dirichlet(np.ones(classes), len(WHO))
    found = Draws.of(WHO, 5, 4)
    values = under(found, kind, metric, labels, answers)
    for weights, value in zip(found.weights, values, strict=True):
        rows = np.repeat(np.arange(len(WHO)), weights[found.codes])
        assert value == pytest.approx(METRICS[kind][metric](labels[rows], answers[rows]))
