"""The gate is a pure judge that fails closed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lifecycle.gate import (
    AtLeast,
    AtMost,
    Better,
    Difference,
    Evidence,
    Gate,
    NoSkew,
    NotWorse,
    NotWorseOnSlices,
    SignatureCompatible,
    SignatureDifference,
    Skew,
    SliceDifference,
    judge,
)

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


def test_a_first_model_without_a_floor_is_judged_by_nothing() -> None:
    """Rules that all need a champion pass nobody where there is none."""
    gate = Gate(rules=(NotWorse("roc_auc", margin=0.01), SignatureCompatible()))
    found = replace(GOOD, differences=None, signature=SignatureDifference())
    verdict = judge(gate, found)
    assert verdict.decision == "cannot judge"
    assert verdict.reasons == (
        "There is no champion to compare with, and the gate has no floor or ceiling.",
    )


def test_of_no_rows_none_is_known_to_be_unseen() -> None:
    """Where measuring failed, no finding claims that something was looked at."""
    verdict = judge(GATE, replace(GOOD, rows=0, positives=0, problem="disk on fire"))
    told = {finding.rule: finding.outcome for finding in verdict.findings}
    assert told["unseen rows"] == told["enough rows"] == "could not tell"


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


def test_a_gate_without_rules_judges_nothing() -> None:
    """A gate that ships switched off promotes nobody."""
    verdict = judge(Gate(rules=()), GOOD)
    assert verdict.decision == "cannot judge"
    assert "no rule" in verdict.reasons[0]


def test_a_rule_of_no_known_kind_is_no_pass() -> None:
    """What a task's file has among its rules by mistake is named, and nothing raises."""
    gate = Gate(rules=("roc_auc > 0.7",))  # type: ignore[arg-type]  # the mistake
    for evidence in (GOOD, replace(GOOD, differences=None)):
        verdict = judge(gate, evidence)
        assert verdict.decision == "cannot judge"
        assert verdict.reasons[0] == "Nobody knows how to judge a rule str."


WHOLE = Gate(
    rules=(
        *GATE.rules,
        Better("brier", higher_is_better=False),
        NotWorseOnSlices("roc_auc", 0.02, by=("country",)),
        SignatureCompatible(),
        NoSkew(),
    )
)
FINE = replace(
    GOOD,
    differences={**(GOOD.differences or {}), "brier": gap(-0.02, -0.01)},
    slices=(
        SliceDifference(
            metric="roc_auc", margin=0.02, feature="country", value="AT", rows=400, positives=90,
            difference=gap(-0.01, 0.01), p_value=0.8,
        ),
    ),
    sliced_by=("country",),
    signature=SignatureDifference(),
    skew=Skew(requests=60, compared=60),
)  # fmt: skip
ODD = (None, math.nan, math.inf, -math.inf, "0.9", True, 10**400, [])


def with_difference(metric: str, **changes: object) -> Evidence:
    """The good evidence with one difference changed."""
    known = dict(FINE.differences or {})
    known[metric] = replace(known[metric], **changes)  # type: ignore[arg-type]  # may be anything
    return replace(FINE, differences=known)


def test_every_rule_has_its_finding() -> None:
    """Each kind of rule speaks once, and good evidence passes all of them."""
    verdict = judge(WHOLE, FINE)
    assert verdict.decision == "promote", verdict.reasons
    assert len(verdict.findings) == 3 + len(WHOLE.rules)
    compared = {"signature", "no skew"}  # what they found is no number but names
    bare = {f.rule for f in verdict.findings if f.value is None or f.threshold is None}
    assert {name for name in bare if not any(one in name for one in compared)} == set()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda odd: replace(FINE, metrics={"roc_auc": odd, "ece": 0.0}),
        lambda odd: replace(FINE, metrics={"roc_auc": 0.8, "ece": odd}),
        lambda odd: with_difference("roc_auc", low=odd),
        lambda odd: with_difference("log_loss", high=odd),
        lambda odd: with_difference("brier", value=odd),
        lambda odd: with_difference("roc_auc", confidence=odd),
        lambda odd: replace(FINE, slices=(replace(FINE.slices[0], p_value=odd),)),
        lambda odd: replace(FINE, slices=(replace(FINE.slices[0], rows=odd, p_value=odd),)),
    ],
    ids=["metric", "ceiling", "low", "high", "value", "confidence", "p value", "slice"],
)
def test_one_odd_number_stops_a_promotion(spoil: Callable[[object], Evidence]) -> None:
    """Nothing that is no finite number passes any rule, and nothing raises."""
    for odd in ODD:
        assert judge(WHOLE, spoil(odd)).decision != "promote", odd


@pytest.mark.parametrize("name", ["rows", "positives", "seen"])
def test_a_count_that_is_none_stops_a_promotion(name: str) -> None:
    """How many rows there were has to be known."""
    for odd in (None, math.nan, -math.inf, "999", True, []):
        changed = replace(FINE, **{name: odd})  # type: ignore[arg-type]  # may be anything
        assert judge(WHOLE, changed).decision == "cannot judge", odd


@pytest.mark.parametrize("name", ["signature", "skew", "sliced_by"])
def test_what_nobody_measured_stops_a_promotion(name: str) -> None:
    """With a champion, each proof that a rule asks for has to be there."""
    absent = replace(FINE, **{name: None})  # type: ignore[arg-type]  # each of them may be None
    assert judge(WHOLE, absent).decision == "cannot judge"


numbers = st.floats(allow_nan=True, allow_infinity=True)
anything = st.one_of(numbers, st.none(), st.integers(), st.text(max_size=3))
gaps = st.builds(
    Difference,
    value=anything, low=anything, high=anything, confidence=st.just(0.95), method=st.just("test"),
)  # fmt: skip
small = st.integers(0, 500)
evidences = st.builds(
    Evidence,
    rows=small,
    positives=small,
    seen=st.integers(0, 1),
    metrics=st.dictionaries(st.sampled_from(["roc_auc", "ece"]), anything),
    differences=st.none()
    | st.dictionaries(st.sampled_from(["roc_auc", "log_loss", "brier"]), gaps),
    slices=st.lists(
        st.builds(
            SliceDifference,
            metric=st.just("roc_auc"), margin=st.just(0.02), feature=st.just("country"),
            value=st.text(max_size=2), rows=small, positives=small,
            difference=st.none() | gaps, p_value=anything,
        ),
        max_size=3,
    ).map(tuple),
    sliced_by=st.sampled_from([None, (), ("country",)]),
    signature=st.none()
    | st.builds(SignatureDifference, missing=st.sampled_from([(), ("sessions_7d",)])),
    skew=st.none()
    | st.builds(
        Skew, requests=small, compared=small, problem=st.sampled_from(["", "no log"]),
        mismatches=st.just(()),
    ),
    problem=st.sampled_from(["", "disk on fire"]),
)  # fmt: skip


@given(evidences, st.sampled_from([GATE, WHOLE]))
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_it_always_answers_and_never_promotes_the_odd(found: Evidence, gate: Gate) -> None:
    """Promotion implies that every number was there, finite and on the right side."""
    verdict = judge(gate, found)
    assert all(finding.words for finding in verdict.findings)
    if verdict.decision != "promote":
        assert any(finding.outcome != "passed" for finding in verdict.findings)
        return
    assert (found.rows >= 200, found.positives >= 30, found.seen) == (True, True, 0)
    assert (found.problem, found.metrics["ece"] <= 0.1) == ("", True)
    assert math.isfinite(found.metrics["roc_auc"])
    assert found.metrics["roc_auc"] >= 0.7
    if found.differences is not None:
        assert found.differences["roc_auc"].low >= -0.01
        assert found.differences["log_loss"].high <= 0.01


@given(st.floats(), st.floats(), st.floats())
@settings(deadline=None, max_examples=100)
def test_a_promoted_challenger_is_not_worse(value: float, low: float, high: float) -> None:
    """Near good evidence, where promotions happen, the interval decides, whatever it is."""
    found = with_difference("roc_auc", value=value, low=low, high=high)
    promoted = judge(WHOLE, found).decision == "promote"
    finite = all(map(math.isfinite, (value, low, high)))
    assert promoted == (finite and -0.01 <= low <= high)
