"""What a card measures: intervals by customer, slices that add up, and silence where it cannot."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from lifecycle.metrics import METRICS
from training.promotion.card.measured import LEAST_ROWS, MISSING, Answered, intervals, measured
from training.promotion.card.values import Interval


def rows(n: int = 600, each: int = 3, seed: int = 0, classes: int = 2) -> Answered:
    """Rows of customers with `each` rows; the labels follow the probabilities."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(classes), n)
    labels = (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i // each}" for i in range(n)],
            "plan": rng.choice(["free", "pro", None], n, p=[0.6, 0.3, 0.1]),
            "same": "always",
        }
    )
    return Answered(
        kind="binary" if classes == 2 else "multiclass", frame=frame, labels=labels, probabilities=p
    )


@pytest.mark.parametrize("classes", [2, 4])
def test_every_metric_has_its_number_and_an_interval_around_it(classes: int) -> None:
    """The number is the metric's own; the interval is not empty and not all there is."""
    given = rows(classes=classes)
    found = measured(1, given, ["plan"]).metrics
    assert found.keys() == METRICS[given.kind].keys()
    for name, one in found.items():
        assert one.value == METRICS[given.kind][name](given.labels, given.probabilities)
        if name != "ece":  # it is biased upwards, and a draw more so
            assert one.low < one.value < one.high
        assert 0 < one.high - one.low < 0.5


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "pr_auc"])
def test_rows_of_one_customer_are_no_further_witnesses(name: str) -> None:
    """Each row four times over, by the same customers: the same interval."""
    one = rows(each=1)
    many = one.at(np.repeat(np.arange(len(one.labels)), 4))
    (a,), (b,) = (intervals(each, [name], 0).values() for each in (one, many))
    assert b.high - b.low == pytest.approx(a.high - a.low, rel=0.05)


def test_the_interval_of_the_area_is_right_as_often_as_it_says() -> None:
    """DeLong's by customer: of 200 samples about 95 % hold the truth."""
    truth = rows(60_000, each=1, seed=99)
    area = METRICS["binary"]["roc_auc"](truth.labels, truth.probabilities)
    found = [intervals(rows(300, seed=seed), ["roc_auc"], 0)["roc_auc"] for seed in range(200)]
    assert 0.90 <= np.mean([one.low <= area <= one.high for one in found]) <= 0.99


def test_slices_add_up_and_small_ones_are_silent() -> None:
    """Every row is in one slice of its feature, missing is a value, one value is no slice."""
    given = rows()
    found = measured(1, given, ["same", "plan"]).slices
    assert {one.feature for one in found} == {"plan"}
    assert [one.value for one in found] == ["free", "pro", MISSING]
    assert sum(one.rows for one in found) == len(given.labels)
    total = sum(one.rows * one.happened for one in found)
    assert total == pytest.approx((given.labels == 1).sum())
    assert [one.quality.known for one in found] == [one.rows >= LEAST_ROWS for one in found]
    assert not found[-1].quality.known


@pytest.mark.parametrize("labels", [np.zeros(50, dtype=int), np.ones(50, dtype=int)])
def test_one_class_has_no_area(labels: np.ndarray) -> None:
    """What cannot be measured has no interval, and costs nothing else."""
    given = rows(50)
    one_class = Answered(
        kind="binary", frame=given.frame, labels=labels, probabilities=given.probabilities
    )
    found = measured(1, one_class, ["plan"])
    assert not found.metrics["roc_auc"].known
    assert found.metrics["log_loss"].known
    assert found.curve is not None


def test_without_rows_nothing_is_told() -> None:
    """A version may carry no labelled row at all."""
    found = measured(1, rows().at(np.array([], dtype=np.int64)), ["plan"])
    assert (found.rows, found.slices, found.curve) == (0, (), None)
    assert not any(one.known for one in found.metrics.values())
    assert all(math.isnan(one.value) for one in found.metrics.values())
    assert Interval(value=0.5, low=math.nan, high=0.6).known is False


def test_the_same_rows_are_the_same_card() -> None:
    """Seeded: written again, it says the same."""
    assert measured(1, rows(), ["plan"]) == measured(1, rows(), ["plan"])
