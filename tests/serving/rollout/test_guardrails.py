"""Who is in a canary, what is remembered of it, and when a guardrail says that it must end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.gate.verdict import Finding
from lifecycle.kolmogorov_smirnov import by_chance
from serving.rollout.guardrails import AsQuick, FewFailures, SameScores, judge
from serving.rollout.seen import FIRST_LOOK, MOST_CUSTOMERS, Record, Seen
from serving.rollout.share import place, takes

IDS = [f"c{n:06}" for n in range(20_000)]


def test_the_share_is_a_share() -> None:
    """Of 20,000 customers 10 % are taken, give or take three standard deviations."""
    taken = sum(takes("churn", 2, 10.0, one) for one in IDS)
    assert abs(taken - 2_000) < 3 * (20_000 * 0.1 * 0.9) ** 0.5


@given(st.text(min_size=1), st.floats(0, 50), st.floats(0, 50))
def test_a_wider_share_keeps_whom_it_had(customer: str, one: float, other: float) -> None:
    """Whoever is in the narrower share is in the wider one; asked again, the same."""
    narrow, wide = sorted((one, other))
    assert takes("churn", 2, narrow, customer) <= takes("churn", 2, wide, customer)
    assert 0.0 <= place("churn", 2, customer) < 1.0
    assert place("churn", 2, customer) == place("churn", 2, customer)
    assert not takes("churn", 2, 0.0, customer)


def test_each_challenger_has_customers_of_its_own() -> None:
    """The canaries of two versions share a tenth of a tenth and not the whole."""
    first = {one for one in IDS if takes("churn", 2, 10.0, one)}
    second = {one for one in IDS if takes("churn", 3, 10.0, one)}
    assert 100 < len(first & second) < 320
    # the very customers, so that a change of the hash is seen: it would deal everybody anew
    assert sorted(first)[:3] == PINNED


PINNED = ["c000010", "c000017", "c000029"]


def both(seen: Seen, old: np.ndarray, new: np.ndarray) -> None:
    seen.answered("champion", [(f"a{i}", (float(v),)) for i, v in enumerate(old)])
    seen.answered("challenger", [(f"b{i}", (float(v),)) for i, v in enumerate(new)])


def scores(findings: tuple[Finding, ...]) -> Finding | None:
    return next((one for one in findings if one.rule == "scores"), None)


def test_other_scores_are_found_once_there_are_enough() -> None:
    """A shift shows at the first look and not before; a look without news is none."""
    draw = np.random.default_rng(1)
    seen = Seen(("yes",))
    both(seen, draw.beta(2, 5, FIRST_LOOK - 1), draw.beta(5, 2, FIRST_LOOK - 1))
    assert scores(judge(seen.record())) is None
    both(seen, draw.beta(2, 5, FIRST_LOOK), draw.beta(5, 2, FIRST_LOOK))
    found = scores(judge(seen.record()))
    assert found is not None
    assert found.outcome == "failed"
    assert "apart (p = " in found.words
    assert scores(judge(seen.record())) is None


def test_a_certain_but_small_difference_is_let_be() -> None:
    """Two good models differ a little: large samples make that certain, and not bad."""
    draw = np.random.default_rng(2)
    seen = Seen(("yes",))
    both(seen, draw.beta(2, 5, 10_000), draw.beta(2.2, 5, 10_000))
    found = scores(judge(seen.record()))
    assert found is not None
    assert found.outcome == "passed"
    assert found.value is not None
    assert by_chance(found.value, 10_000, 10_000) < 0.01


def test_looking_often_finds_nothing_where_nothing_is() -> None:
    """Of 100 canaries of the same model, each looked at up to five times, hardly one ends.

    Without a least distance, so that only the level speaks: one in a hundred by design.
    """
    draw, alarms, looks = np.random.default_rng(3), 0, 0
    rule = SameScores(distance=0.0, alpha=0.01)
    for _ in range(100):
        seen = Seen(("yes",))
        for first in range(0, 3_200, 200):
            fresh = draw.random((2, 200))
            for who, row in zip(("champion", "challenger"), fresh, strict=True):
                seen.answered(
                    who, [(f"{who}{first + i}", (v,)) for i, v in enumerate(row.tolist())]
                )
            found = rule.finding(seen.record())
            looks += found is not None
            if found is not None and found.outcome == "failed":
                alarms += 1
                break
    assert looks > 400
    assert alarms <= 5  # of 100 at 1 %: more than 5 would come once in two thousand runs


def test_one_loud_customer_is_one_customer() -> None:
    """Somebody who is asked about a thousand times makes no population."""
    seen = Seen(("yes",))
    seen.answered("champion", [("a", (0.1,))] * 1_000)
    seen.answered("challenger", [("b", (0.9,))] * 1_000)
    assert scores(judge(seen.record())) is None


def test_memory_is_bounded() -> None:
    """Only the newest customers are kept; the answers are all counted."""
    seen = Seen(("yes",))
    many = MOST_CUSTOMERS + 10
    seen.answered("challenger", [(str(n), (0.5,)) for n in range(many)])
    seen.answered("champion", [(str(n), (0.5,)) for n in range(many)])
    record = seen.record()
    assert record.answers == many
    assert record.compared is not None
    assert record.compared.champion.shape == (MOST_CUSTOMERS, 1)


@pytest.mark.parametrize(
    ("answers", "failures", "outcome"),
    [(0, 0, "passed"), (0, 2, "passed"), (0, 3, "failed"), (1_000, 10, "passed"),
     (97, 3, "failed")],
)  # fmt: skip
def test_failures(answers: int, failures: int, outcome: str) -> None:
    """One in a hundred is let be, and so are two at the very start; three at once are not."""
    found = FewFailures().finding(Record(answers=answers, failures=failures, reason="no store"))
    assert found.outcome == outcome
    assert ("no store" in found.words) == (failures > 0)


@pytest.mark.parametrize(
    ("old_ms", "new_ms", "outcome"),
    [(1.0, 1.0, "passed"), (1.0, 4.0, "passed"), (1.0, 6.0, "failed"), (8.0, 20.0, "passed"),
     (8.0, 25.0, "failed")],
)  # fmt: skip
def test_latency(old_ms: float, new_ms: float, outcome: str) -> None:
    """Thrice as slow counts where a caller would feel it."""
    record = Record(
        champion_seconds=np.full(100, old_ms / 1000), challenger_seconds=np.full(100, new_ms / 1000)
    )
    found = AsQuick().finding(record)
    assert found is not None
    assert found.outcome == outcome


def test_latency_needs_requests_and_only_of_one_customer() -> None:
    """A question about many takes longer, and is not held against the other side's of one."""
    seen = Seen(("yes",))
    for n in range(200):
        seen.answered("champion", [(f"a{n}", (0.5,))], 0.001)
        seen.answered("challenger", [(f"b{n}", (0.5,)), (f"c{n}", (0.5,))], 0.5)
    assert AsQuick().finding(seen.record()) is None
