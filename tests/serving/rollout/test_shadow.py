"""serving.rollout.shadow: a challenger is asked behind the answers, and changes none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lifecycle.home import open_home
from lifecycle.prediction import Prediction
from lifecycle.rollouts import Rollouts
from serving.rollout.answering import answer_each
from serving.rollout.shadow import MOST_ROWS, Shadow, receipt
from serving.seat import Seat
from tests.serving.rollout.beside import (
    PEOPLE,
    SHADOW,
    WHY,
    pair,
    running,
    seen_of,
    until,
    watched,
)
from tests.serving.rollout.toy import NOW, Log, Toy, row


def test_a_shadow_changes_no_answer_and_is_logged_apart() -> None:
    """Both scores are in the log, found by each other's receipts, and the caller sees one.

    The challenger is asked with all that is known, not with what the champion uses alone.
    """
    seat, log = Seat("churn"), Log()
    new = Toy(0.5, features=(("visits", "number"), ("depth", "number")))
    seat.sitting = pair(SHADOW, Toy(0.1), new)
    rows = [*(row(one) for one in PEOPLE[:150]), row("gone", status="unknown")]
    with running(seat, log) as shadow:
        answers = answer_each(seat.sitting, rows, log.by(), shadow)
        until(lambda: seen_of(seat.sitting)["challenger_answers"] == 150)  # type: ignore[arg-type]
    assert {one.by.version for one in answers if one.by} == {1}
    said = {one.receipt_id: one for one in log.rows if one.origin == "shadow"}
    served = [one for one in log.rows if one.origin == "online"]
    assert len(said) == len(served) == 150
    for one in served:
        other = said[receipt(one.receipt_id, 2)]
        assert (other.customer_id, other.version) == (one.customer_id, 2)
        assert other.prediction == pytest.approx(one.prediction + 0.4)
        assert other.features == {"visits": 1.0, "depth": 2.0}


def sent(number: int) -> Prediction:
    return Prediction(
        receipt_id=f"r{number}", task="churn", version=1, customer_id=None, event_timestamp=None,
        scored_at=NOW, origin="invocations", prediction=0.2, answer="no",
        probabilities={"no": 0.8, "yes": 0.2}, features={"visits": 1.0},
    )  # fmt: skip


def test_rows_sent_to_invocations_are_shadowed_too() -> None:
    """From the log's rows; those of another version or task, and shadows themselves, are not."""
    seat, log = Seat("churn"), Log()
    seat.sitting = pair(SHADOW, Toy(0.1), Toy(0.5))
    others = [
        replace(sent(1), version=3), replace(sent(2), task="preference"),
        replace(sent(3), origin="shadow"), replace(sent(4), origin="online"),
    ]  # fmt: skip
    with running(seat, log) as shadow:
        shadow.sent([*others, sent(5)])
        until(lambda: bool(log.rows))
    assert [one.receipt_id for one in log.rows] == [receipt("r5", 2)]


def test_a_slow_shadow_leaves_rows_out_and_says_so() -> None:
    """The queue is bounded: what does not fit is counted."""
    seat = Seat("churn")
    seat.sitting = pair(SHADOW, Toy(0.1), Toy(0.5))
    Shadow({"churn": seat}).sent([sent(n) for n in range(MOST_ROWS + 7)])
    assert seen_of(seat.sitting)["dropped"] == 7


def test_a_failing_shadow_is_counted(tmp_path: Path) -> None:
    """It is told, it changes no answer, and the rollout goes on."""
    home = open_home(tmp_path / "home")
    Rollouts(home).take(SHADOW, WHY)
    seat, watch = watched(home, Toy(0.5, broken="no luck"))
    log = Log()
    with running(seat, log) as shadow:
        for one in PEOPLE[:5]:
            assert seat.sitting is not None
            answer_each(seat.sitting, [row(one)], log.by(), shadow)
        until(lambda: seen_of(seat.sitting)["failures"] >= 1)  # type: ignore[arg-type]
    watch.judge(seat)
    assert Rollouts(home).open("churn") is not None
    assert "no luck" in str(seen_of(seat.sitting)["last_failure"])  # type: ignore[arg-type]
