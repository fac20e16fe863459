"""serving.rollout.watching: a rollout begins, steps and ends in front of a running server."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from lifecycle.errors import DataError
from lifecycle.home import Home, open_home
from lifecycle.ledger import Ledger
from lifecycle.rollouts import END, RETURN, Rollouts
from serving.rollout.answering import answer_each
from serving.rollout.shadow import Shadow
from serving.rollout.watching import RolloutWatch
from serving.seat import Seat, Sitting
from tests.serving.rollout.beside import (
    CANARY,
    PEOPLE,
    SHADOW,
    WHY,
    watched,
)
from tests.serving.rollout.toy import Log, Toy, row, sitting


def decisions(home: Home) -> list[str]:
    return [one.decision for one in reversed(Ledger(home).read("churn"))]


def ask(seat: Seat, log: Log) -> None:
    """Each of the people once, with visits of their own."""
    for n, one in enumerate(PEOPLE):
        assert seat.sitting is not None
        answer_each(seat.sitting, [row(one, n % 5 / 2)], log.by(), Shadow({}))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def test_a_failing_canary_returns_by_itself(home: Home) -> None:
    """At the next look everybody is the champion's again, for good; the ledger says why, once."""
    Rollouts(home).take(CANARY, WHY)
    seat, watch = watched(home, Toy(0.5, broken="a part is missing"))
    assert seat.state()["rollout"]["version"] == 2
    log = Log()
    ask(seat, log)
    watch.judge(seat)
    assert seat.sitting is not None
    assert seat.sitting.beside is None
    assert Rollouts(home).open("churn") is None
    watch.look_at(seat)
    watch.judge(seat)
    assert decisions(home) == ["canary", RETURN]
    newest = Ledger(home).read("churn")[0]
    assert (newest.actor, newest.version, newest.previous) == ("server", "2", "1")
    assert "failed (100.0%). The newest: ValueError: a part is missing" in newest.why
    assert newest.evidence["findings"][0]["outcome"] == "failed"
    assert {version for _, version, _ in log.told()} == {1}


def test_a_canary_that_scores_otherwise_returns_by_itself(home: Home) -> None:
    """The two populations differ; here by far, so that the first look is enough."""
    Rollouts(home).take(replace(CANARY, share=50.0), WHY)
    seat, watch = watched(home, Toy(0.5))
    log = Log()
    for n in range(500):
        assert seat.sitting is not None
        answer_each(seat.sitting, [row(f"p{n}", n % 5 / 2)], log.by(), Shadow({}))
    watch.judge(seat)
    assert decisions(home) == ["canary", RETURN]
    assert "scores: The scores for yes lie" in Ledger(home).read("churn")[0].why


def test_a_good_canary_stays(home: Home) -> None:
    """The same scores, no failures: nothing is written, and the state tells what was found."""
    Rollouts(home).take(replace(CANARY, share=50.0), WHY)
    seat, watch = watched(home, Toy(0.1))
    log = Log()
    for n in range(500):
        assert seat.sitting is not None
        answer_each(seat.sitting, [row(f"p{n}", n % 5 / 2)], log.by(), Shadow({}))
    watch.judge(seat)
    assert decisions(home) == ["canary"]
    state = seat.state()["rollout"]
    assert state["challenger_answers"] + state["champion_answers"] == 500
    assert set(state["findings"]) == {"failures", "latency", "scores"}


def test_a_challenger_that_cannot_be_seated_ends_its_rollout(home: Home) -> None:
    """The champion serves on, alone, and the reason is in the ledger."""
    Rollouts(home).take(CANARY, WHY)
    seat = Seat("churn")
    seat.sitting = sitting(1, Toy(0.1))

    def load(task: str, number: int) -> Sitting:
        raise DataError(f"Version {number} of {task} does not repeat its recorded predictions.")

    RolloutWatch(Rollouts(home), load).look_at(seat)
    assert seat.sitting.beside is None
    newest = Ledger(home).read("churn")[0]
    assert newest.decision == RETURN
    assert newest.why.startswith("Version 2 was not seated. Version 2 of churn does not repeat")


def test_another_champion_ends_the_rollout(home: Home) -> None:
    """A plan that is held against somebody who serves no more has no meaning."""
    Rollouts(home).take(CANARY, WHY)
    seat, watch = watched(home, Toy(0.5))
    seat.sitting = sitting(2, Toy(0.5))
    watch.look_at(seat)
    assert seat.sitting.beside is None
    assert decisions(home) == ["canary", END]


def test_a_wider_share_keeps_the_loaded_challenger_and_counts_anew(home: Home) -> None:
    """A step of the plan shows at the next look; a stopped plan takes the challenger away."""
    rollouts = Rollouts(home)
    rollouts.take(SHADOW, WHY)
    seat, watch = watched(home, Toy(0.5))
    assert seat.sitting is not None
    first = seat.sitting.beside
    rollouts.take(CANARY, WHY)
    watch.look_at(seat)
    second = seat.sitting.beside
    assert first is not None
    assert second is not None
    assert second.plan.share == 30.0
    assert second.challenger is first.challenger
    assert second.seen is not first.seen
    rollouts.end(second.plan, "stop rollout", WHY)
    watch.look_at(seat)
    assert seat.sitting.beside is None


def test_a_locked_home_delays_the_ledger_and_not_the_return(home: Home) -> None:
    """Customers are the champion's at once; the row is written when the database is free."""
    plan, _ = Rollouts(home).take(CANARY, WHY)
    seat, watch = watched(home, Toy(0.5, broken="a part is missing"))
    ask(seat, Log())
    rollouts = watch.rollouts
    watch.rollouts = Rollouts(open_home(home.root / "elsewhere"))
    watch.rollouts.path.parent.mkdir(parents=True)
    watch.rollouts.path.write_bytes(b"no database" * 1_000)
    watch.judge(seat)
    assert seat.sitting is not None
    assert seat.sitting.beside is None
    watch.rollouts = rollouts
    assert rollouts.open("churn") == plan
    watch.look_at(seat)
    assert seat.sitting.beside is None, "what was ended here is not begun again"
    watch.judge(seat)
    assert decisions(home) == ["canary", RETURN]
    with sqlite3.connect(home.platform) as db:
        assert db.execute("SELECT count(*) FROM rollouts WHERE ended IS NULL").fetchone() == (0,)
    db.close()
