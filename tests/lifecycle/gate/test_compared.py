"""Against the champion: true gains, and slices of which none may surely lose."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from lifecycle.gate import (
    Better,
    Difference,
    Evidence,
    Finding,
    Gate,
    NotWorseOnSlices,
    SliceDifference,
    judge,
)
from lifecycle.gate.compared import better, not_worse_on_slices

RULE = NotWorseOnSlices("roc_auc", 0.02, by=("country", "plan"))


def gap(low: float, high: float) -> Difference:
    return Difference(value=(low + high) / 2, low=low, high=high, confidence=0.95, method="test")


def slice_of(value: str, p: float | None, *, rows: int = 500, feature: str = "country",
             positives: int = 90) -> SliceDifference:  # fmt: skip
    return SliceDifference(
        metric="roc_auc", margin=0.02, feature=feature, value=value, rows=rows,
        positives=positives, difference=gap(-0.09, -0.01), p_value=p,
    )  # fmt: skip


def judged(
    *slices: SliceDifference,
    by: tuple[str, ...] | None = ("country",),
    rule: NotWorseOnSlices = RULE,
) -> Finding:
    evidence = Evidence(
        rows=2_000, positives=400, seen=0, metrics={}, differences={}, slices=slices, sliced_by=by
    )
    return not_worse_on_slices(rule, evidence)


@pytest.mark.parametrize(
    ("low", "high", "up", "outcome"),
    [
        (0.001, 0.02, True, "passed"),
        (0.0, 0.02, True, "failed"),
        (-0.02, -0.001, False, "passed"),
        (-0.02, 0.0, False, "failed"),
        (math.nan, 0.02, True, "could not tell"),
    ],
)
def test_better_is_surely_better(*, low: float, high: float, up: bool, outcome: str) -> None:
    """The whole interval lies above what must be won; touching it is not enough."""
    found = better(Better("m", higher_is_better=up), {"m": gap(low, high)})
    assert found.outcome == outcome
    assert (
        better(Better("m", by=0.5, higher_is_better=up), {"m": gap(low, high)}).outcome != "passed"
    )


def test_equal_slices_pass_and_are_counted() -> None:
    """How many were tested, by what, and which were too small, is said."""
    found = judged(
        slice_of("DE", 0.4), slice_of("AT", 0.03), slice_of("LI", None, rows=40),
        slice_of("CH", None, positives=19),
    )  # fmt: skip
    assert found.outcome == "passed"
    assert "on none of 2 slices of country" in found.words
    assert "country=AT -0.0500 (-0.0900 to -0.0100; 500 rows, p = 0.06 by Holm" in found.words
    assert "Too small to test: country=CH (500 rows), country=LI (40 rows)." in found.words


def test_a_lost_slice_is_refused_by_name() -> None:
    """One slice whose loss is sure, over all that were tested, is enough."""
    found = judged(slice_of("DE", 0.4), slice_of("AT", 0.001))
    assert (found.outcome, found.value, found.threshold) == ("failed", pytest.approx(-0.05), 0.02)
    assert "on 1 of 2 slices of country a loss of more than 0.02 is sure: country=AT" in found.words


def test_many_slices_need_more_than_one_in_twenty() -> None:
    """With twenty slices, one at p = 0.03 is what chance gives."""
    assert judged(slice_of("AT", 0.03)).outcome == "failed"
    many = [slice_of(str(i), 0.9) for i in range(19)]
    assert judged(slice_of("AT", 0.03), *many).outcome == "passed"


def test_slices_of_all_features_are_counted_together() -> None:
    """Two features do not double the chance of a false alarm."""
    mine = [slice_of("AT", 0.03), slice_of("pro", 0.9, feature="plan")]
    assert judged(*mine, by=("country", "plan")).outcome == "passed"


@pytest.mark.parametrize("p", [None, math.nan, -0.1, 1.5])
def test_a_slice_that_was_not_measured_is_no_pass(p: float | None) -> None:
    """A large slice without a p-value cannot be told, and is named."""
    found = judged(slice_of("DE", 0.4), slice_of("AT", p))
    assert found.outcome == "could not tell"
    assert "country=AT" in found.words
    unknown = replace(slice_of("AT", 0.5), difference=gap(math.nan, 0))
    assert judged(slice_of("DE", 0.4), unknown).outcome == "could not tell"


def test_a_feature_that_was_not_measured_is_no_pass() -> None:
    """The rows have plans, and nobody looked at them."""
    found = judged(slice_of("DE", 0.4), by=("country", "plan"))
    assert (found.outcome, "by plan" in found.words) == ("could not tell", True)
    assert judged(by=None).outcome == "could not tell"
    other = NotWorseOnSlices("roc_auc", 0.01, by=("country",))
    assert judged(slice_of("DE", 0.4), rule=other).outcome == "could not tell"  # of another margin


def test_rows_without_such_features_have_no_slices() -> None:
    """A data set without country and plan is not held up for it, and it is said."""
    found = judged(by=())
    assert found.outcome == "passed"
    assert found.words == "roc_auc was tested on no slice: the rows have no country or plan."
    small = judged(slice_of("LI", None, rows=40))
    assert small.outcome == "passed"
    assert "no slice is large enough. Too small to test: country=LI (40 rows)" in small.words


def test_without_a_champion_no_slice_is_judged() -> None:
    """A first model has nothing to lose to."""
    evidence = Evidence(rows=2_000, positives=400, seen=0, metrics={})
    rules = {finding.rule for finding in judge(Gate(rules=(RULE,)), evidence).findings}
    assert rules == {"enough rows", "enough positives", "unseen rows", "first model"}
