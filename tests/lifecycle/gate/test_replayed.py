"""Those who ask: what they need, what they get, and that both worlds say the same."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.gate import Evidence, Mismatch, NoSkew, SignatureDifference, Skew
from lifecycle.gate.evidence import Value
from lifecycle.gate.replayed import no_skew, signature_compatible, tolerated

FIRST = Evidence(rows=2_000, positives=400, seen=0, metrics={})
AGAINST = replace(FIRST, differences={})


def mismatch(online: Value, offline: Value, what: str = "feature") -> Mismatch:
    return Mismatch(
        customer_id="c7", at="2026-01-01T00:00:00+00:00", what=what, name="sessions_7d",  # type: ignore[arg-type]  # one of two
        online=online, offline=offline,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (SignatureDifference(missing=("a", "b")), "features that are no longer computed: a, b"),
        (SignatureDifference(retyped=("plan (was category, is number)",)), "plan (was category"),
        (SignatureDifference(lost=("podcast",)), "answers that the champion gives: podcast"),
    ],
)
def test_an_incompatible_signature_is_refused(found: SignatureDifference, words: str) -> None:
    """Missing, retyped and lost are each named, with a champion or without."""
    for evidence in (FIRST, AGAINST):
        finding = signature_compatible(replace(evidence, signature=found))
        assert finding is not None
        assert finding.outcome == "failed"
        assert words in finding.words


def test_a_compatible_signature_passes() -> None:
    """Nothing missing, and it is said against what."""
    finding = signature_compatible(replace(AGAINST, signature=SignatureDifference()))
    assert finding is not None
    assert (finding.outcome, "the champion's" in finding.words) == ("passed", True)


def test_a_signature_that_nobody_compared_is_no_pass() -> None:
    """With a champion it cannot be told; without one there is nothing to break."""
    finding = signature_compatible(AGAINST)
    assert finding is not None
    assert finding.outcome == "could not tell"
    assert signature_compatible(FIRST) is None


def test_replayed_requests_that_agree_pass() -> None:
    """With how many, of how many."""
    finding = no_skew(NoSkew(), replace(AGAINST, skew=Skew(requests=210, compared=200)))
    assert finding is not None
    assert finding.outcome == "passed"
    assert finding.words.startswith("200 of 210 requests were replayed: their features")


@pytest.mark.parametrize(
    "skew",
    [
        None,
        Skew(requests=49, compared=49),
        Skew(requests=500, compared=49),
        Skew(requests=500, compared=500, problem="the log cannot be read"),
    ],
)
def test_too_little_replayed_is_no_pass(skew: Skew | None) -> None:
    """Not replayed, too few, broken: the gate could not tell."""
    finding = no_skew(NoSkew(), replace(AGAINST, skew=skew))
    assert finding is not None
    assert finding.outcome == "could not tell"
    assert no_skew(NoSkew(), replace(FIRST, skew=skew)) is None


def test_a_task_may_ask_for_none() -> None:
    """Where nobody asks online, as many requests as there are will do."""
    finding = no_skew(NoSkew(least_requests=0), replace(AGAINST, skew=Skew(requests=0, compared=0)))
    assert finding is not None
    assert (finding.outcome, "there was none" in finding.words) == ("passed", True)


def test_a_mismatch_blocks_and_is_named() -> None:
    """Feature, customer, moment and both values; even of few requests, even with a problem."""
    skew = Skew(
        requests=3, compared=3, problem="slow",
        mismatches=(mismatch(3.0, 4.0), *(mismatch(0.5, 0.6, "score") for _ in range(4))),
    )  # fmt: skip
    for evidence in (FIRST, AGAINST):
        finding = no_skew(NoSkew(), replace(evidence, skew=skew))
        assert finding is not None
        assert (finding.outcome, finding.value) == ("failed", 5)
        assert (
            "the feature sessions_7d of customer c7 at 2026-01-01T00:00:00+00:00 was 3.0 online "
            "and 4.0 offline" in finding.words
        )
        assert finding.words.endswith("and 2 more.")


@pytest.mark.parametrize(
    ("online", "offline", "same"),
    [
        (1.0, 1.0 + 5e-7, True), (1e9, 1e9 + 1, True), (1.0, 1.00001, False), (1, True, True),
        (None, None, True), (None, math.nan, True), (None, 0.0, False), (0.0, None, False),
        ("pro", "pro", True), ("pro", "free", False), ("1", 1.0, False), (math.inf, 1.0, False),
    ],
)  # fmt: skip
def test_what_is_tolerated(*, online: Value, offline: Value, same: bool) -> None:
    """Numbers as close as is asked, relative where they are large; missing only with missing."""
    assert tolerated(mismatch(online, offline), 1e-6) is same


@given(st.one_of(st.none(), st.text(), st.booleans(), st.integers(), st.floats()))
def test_a_value_agrees_with_itself(value: Value) -> None:
    """Whatever a log may hold."""
    assert tolerated(mismatch(value, value), 0.0)
