"""Slices hold what their rows say, are corrected for their number, and are left out when small."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.gate import Difference
from lifecycle.metrics import metric
from tests.training.conftest import CHURN
from tests.training.promotion.side_by_side.conftest import Two
from training.promotion.paired import difference
from training.promotion.side_by_side.common import Common, common_rows
from training.promotion.side_by_side.compare import compare_on
from training.promotion.side_by_side.measured import Asked, holm, p_value, slices
from training.promotion.side_by_side.values import Comparison


def test_a_slice_is_its_rows_measured_alone(two: Two, found: Comparison) -> None:
    """Rows, metrics and interval are those of the rows with the value, missing ones among them."""
    one, other = two.entrants
    common = common_rows(CHURN, two.frame, one.contender, other.contender, {})
    assert isinstance(common, Common)
    assert found.same_rows is not None
    compared = found.same_rows.slices.compared
    assert {row.feature for row in compared} == {"place"}
    for row in compared:
        mask = (common.frame["place"] == row.value).to_numpy()
        labels = common.pair.labels[mask]
        assert row.rows == mask.sum()
        assert row.rarest == min(np.bincount(labels))
        p = common.pair.challenger[mask]
        assert row.second == pytest.approx(metric("binary", "log_loss", labels, p))
    assert any(text.startswith("plan (missing) (") for text in found.same_rows.slices.left_out)


def test_the_slices_and_their_metric_can_be_chosen(two: Two) -> None:
    """A feature of too many values is left out, and that is said."""
    found = compare_on(two.home, CHURN, 1, 2, two.today, metric="roc_auc", by=("place", "n0"))
    assert found.same_rows is not None
    slices = found.same_rows.slices
    assert (slices.metric, slices.higher_is_better) == ("roc_auc", True)
    assert all(row.difference.method.startswith("paired DeLong") for row in slices.compared)
    assert len(slices.compared) == 2
    assert len(slices.left_out) == 1
    assert slices.left_out[0].startswith("n0: ")


def test_equal_versions_are_apart_in_no_slice(two: Two) -> None:
    """A version beside its own answers: every p-value is 1, and nobody is better."""
    one, _ = two.entrants
    common = common_rows(CHURN, two.frame, one.contender, one.contender, {})
    assert isinstance(common, Common)
    asked = Asked(first=1, second=2, metric="log_loss", by=("place",))
    told = slices(common, asked).compared
    assert len(told) == 2
    assert {(row.p_value, row.better) for row in told} == {(1.0, None)}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_the_step_down_of_the_book(values: list[float]) -> None:
    """What it rejects at 5 % is what the procedure rejects, one after the other."""
    held = holm(dict(enumerate(values)))
    order = sorted(range(len(values)), key=lambda place: values[place])
    rejected = set()
    for step, place in enumerate(order):
        if values[place] * (len(values) - step) >= 0.05:
            break
        rejected.add(place)
    assert {place for place, p in held.items() if p < 0.05} == rejected
    assert all(values[place] <= p <= 1 for place, p in held.items())


def test_holm_counts_what_could_not_be_measured() -> None:
    """A slice that is no number stays so, and is one more among those that are tested."""
    held = holm({0: 0.01, 1: math.nan})
    assert held[0] == pytest.approx(0.02)
    assert math.isnan(held[1])


def interval(value: float, low: float, high: float) -> Difference:
    return Difference(value=value, low=low, high=high, confidence=0.95, method="")


@pytest.mark.parametrize(
    ("found", "p"),
    [
        (interval(0.0196, 0.0, 0.0392), 0.05),
        (interval(0.0, -1.0, 1.0), 1.0),
        (interval(0.0, 0.0, 0.0), 1.0),
        (interval(0.1, 0.1, 0.1), 0.0),
        (interval(math.nan, math.nan, math.nan), math.nan),
    ],
)
def test_a_p_value_is_that_of_the_interval(found: Difference, p: float) -> None:
    """An interval that just touches nought is 5 %; no interval is no p-value."""
    assert p_value(found) == pytest.approx(p, nan_ok=True, abs=1e-9)


def test_a_difference_is_the_gates_own(two: Two, found: Comparison) -> None:
    """The same function that the gate judges by, on the same rows."""
    one, other = two.entrants
    common = common_rows(CHURN, two.frame, one.contender, other.contender, {})
    assert isinstance(common, Common)
    assert found.same_rows is not None
    for row in found.same_rows.metrics:
        if row.metric in {"roc_auc", "log_loss"}:
            assert row.difference == difference(common.pair, row.metric)
