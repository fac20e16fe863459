"""The gate is a pure judge that fails closed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.gate import AtLeast, AtMost, Difference, Evidence, Gate, NotWorse, judge

GATE = Gate(
    rules=(
        AtLeast("roc_auc", 0.7),
        AtMost("ece", 0.1),
        NotWorse("roc_auc", margin=0.01),
        NotWorse("log_loss", margin=0.01, higher_is_better=False),
    )
)


def gap(low: float, high: float) -> Difference:
    return Difference(value=(low + high) / 2, low=low, high=high, confidence=0.95, method="test")


GOOD = Evidence(
    rows=1_000,
    positives=200,
    seen=0,
    metrics={"roc_auc": 0.8, "ece": 0.02},
    differences={"roc_auc": gap(0.0, 0.02), "log_loss": gap(-0.02, 0.0)},
)


def test_good_evidence_is_promoted() -> None:
    """Every rule passes and every finding says so."""
    verdict = judge(GATE, GOOD)
    assert verdict.decision == "promote"
    assert all(finding.outcome == "passed" for finding in verdict.findings)


def test_the_first_model_is_judged_by_floors_only() -> None:
    """Without a champion nothing is compared, and the verdict says that."""
    verdict = judge(GATE, replace(GOOD, differences=None))
    assert verdict.decision == "promote"
    assert "only the floors" in verdict.findings[-1].words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": 199}, "199 evaluation rows; at least 200"),
        ({"positives": 29}, "29 rows of the rarest class"),
        ({"seen": 1}, "1 evaluation rows were in a training"),
        ({"problem": "disk on fire"}, "disk on fire"),
        ({"metrics": {"ece": 0.0}}, "roc_auc was not measured"),
        ({"metrics": {"roc_auc": math.nan, "ece": 0.0}}, "it came out as nan"),
        ({"metrics": {"roc_auc": math.inf, "ece": 0.0}}, "it came out as inf"),
        ({"differences": {"log_loss": gap(0, 0)}}, "roc_auc was not compared"),
        ({"differences": {"roc_auc": gap(math.nan, 0), "log_loss": gap(0, 0)}}, "not compared"),
    ],
)
def test_whatever_cannot_be_told_is_no_pass(change: dict[str, object], words: str) -> None:
    """Too little, seen, failed, missing and NaN all mean: cannot judge, and why."""
    verdict = judge(GATE, replace(GOOD, **change))  # type: ignore[arg-type]
    assert verdict.decision == "cannot judge"
    assert any(words in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"metrics": {"roc_auc": 0.69, "ece": 0.0}}, "at least 0.7"),
        ({"metrics": {"roc_auc": 0.8, "ece": 0.11}}, "at most 0.1"),
        ({"differences": {"roc_auc": gap(-0.02, 0.1), "log_loss": gap(0, 0)}}, "a loss of 0.01"),
        ({"differences": {"roc_auc": gap(0, 0), "log_loss": gap(-0.1, 0.02)}}, "a loss of 0.01"),
    ],
)
def test_a_broken_rule_is_refused(change: dict[str, object], words: str) -> None:
    """A floor, a ceiling, or an interval that reaches past the margin refuses."""
    verdict = judge(GATE, replace(GOOD, **change))  # type: ignore[arg-type]
    assert verdict.decision == "refuse"
    assert any(words in reason for reason in verdict.reasons)


def test_a_known_failure_is_stronger_than_not_knowing() -> None:
    """Too few rows do not turn a broken floor into a maybe."""
    bad = replace(GOOD, rows=1, metrics={"roc_auc": 0.1, "ece": 0.0})
    assert judge(GATE, bad).decision == "refuse"


numbers = st.floats(allow_nan=True, allow_infinity=True)
differences = st.fixed_dictionaries(
    {"roc_auc": st.builds(gap, numbers, numbers), "log_loss": st.builds(gap, numbers, numbers)}
)
evidences = st.builds(
    Evidence,
    rows=st.integers(0, 500),
    positives=st.integers(0, 100),
    seen=st.integers(0, 3),
    metrics=st.fixed_dictionaries({"roc_auc": numbers, "ece": numbers}),
    differences=differences,
)


@given(evidences)
@settings(deadline=None, max_examples=300)
def test_nothing_odd_is_ever_promoted(found: Evidence) -> None:
    """Promotion implies that every number was there, finite and on the right side."""
    if judge(GATE, found).decision != "promote":
        return
    assert (found.rows >= 200, found.positives >= 30, found.seen) == (True, True, 0)
    assert math.isfinite(found.metrics["roc_auc"])
    assert found.metrics["roc_auc"] >= 0.7
    assert found.metrics["ece"] <= 0.1
    assert found.differences is not None
    assert found.differences["roc_auc"].low >= -0.01
    assert found.differences["log_loss"].high <= 0.01
