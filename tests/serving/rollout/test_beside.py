"""A challenger beside the champion: who answers, what is logged, and how it all comes back."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.errors import DataError
from lifecycle.home import Home, open_home
from lifecycle.ledger import Ledger
from lifecycle.prediction_log import Prediction
from lifecycle.rollouts import END, RETURN, Because, Rollout, Rollouts
from serving.rollout.answering import answer_each
from serving.rollout.seen import Seen
from serving.rollout.shadow import MOST_ROWS, Shadow, receipt
from serving.rollout.share import takes
from serving.rollout.watching import RolloutWatch
from serving.seat import Beside, Seat, Sitting
from tests.serving.rollout.toy import NOW, Log, Toy, row, sitting

SHADOW = Rollout(task="churn", stage="shadow", champion=1, challenger=2, since=NOW, number=1)
CANARY = replace(SHADOW, stage="canary", share=30.0)
WHY = Because(actor="ann", why="to see")
PEOPLE = [f"c{n}" for n in range(200)]
IN = {one for one in PEOPLE if takes("churn", 2, 30.0, one)}


def pair(plan: Rollout, old: Toy, new: Toy) -> Sitting:
    beside = Beside(plan=plan, challenger=sitting(2, new), seen=Seen(("yes",)))
    return replace(sitting(1, old), beside=beside)


def seen_of(seat: Sitting) -> dict[str, object]:
    assert seat.beside is not None
    return seat.beside.seen.state()


@contextmanager
def running(seat: Seat, log: Log) -> Iterator[Shadow]:
    shadow = Shadow({"churn": seat})
    shadow.start(log)  # type: ignore[arg-type]
    try:
        yield shadow
    finally:
        shadow.stop()


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.sampled_from(PEOPLE), st.floats(0, 3)), max_size=30, unique_by=lambda p: p[0]
    )
)
def test_each_customer_is_answered_once_by_their_own_version(
    people: list[tuple[str, float]],
) -> None:
    """Whatever the question: in order, wholly by the version that the hash says, logged as such."""
    log, seats = Log(), pair(CANARY, Toy(0.1), Toy(0.5))
    rows = [row(name, visits) for name, visits in people]
    given_ = answer_each(seats, rows, log.by(), Shadow({}))
    for one, (name, visits) in zip(given_, people, strict=True):
        challenged = name in IN
        assert one.customer_id == name
        assert one.by is not None
        assert one.body()["version"] == one.by.version == (2 if challenged else 1)
        assert one.probability == pytest.approx((0.5 if challenged else 0.1) + visits / 10)
    expected = {(n, 2, "canary") if n in IN else (n, 1, "online") for n, _ in people}
    assert set(log.told()) == expected
    assert len(log.rows) == len(people)


@pytest.mark.parametrize("broken", ["a part is missing", "nan"])
def test_where_the_challenger_fails_the_champion_answers(broken: str) -> None:
    """Nobody goes without an answer, nothing is logged twice, and the failure is counted."""
    log, seats = Log(), pair(CANARY, Toy(0.1), Toy(0.5, broken=broken))
    given_ = answer_each(seats, [row(one) for one in PEOPLE], log.by(), Shadow({}))
    assert {one.by.version for one in given_ if one.by} == {1}
    assert sorted(log.told()) == sorted((one, 1, "online") for one in PEOPLE)
    state = seen_of(seats)
    assert (state["failures"], state["challenger_answers"]) == (1, 0)


def test_a_challenger_without_its_features_fails_and_is_not_guessed() -> None:
    """What the store does not have is no gap to be filled."""
    log = Log()
    seats = pair(CANARY, Toy(0.1), Toy(0.5, features=(("visits", "number"), ("new", "number"))))
    answer_each(seats, [row(one) for one in PEOPLE], log.by(), Shadow({}))
    assert "Missing: new." in str(seen_of(seats)["last_failure"])


def test_the_champions_failure_is_not_hidden() -> None:
    """The champion's own error is raised as ever."""
    seats = pair(CANARY, Toy(0.1, broken="nan"), Toy(0.5))
    with pytest.raises(DataError, match="gave an answer that is no number"):
        answer_each(seats, [row(one) for one in PEOPLE], Log().by(), Shadow({}))


def test_a_seat_chooses_by_customer() -> None:
    """In a canary by hash; in the shadow nobody meets the challenger."""
    seat = Seat("churn")
    seat.sitting = pair(CANARY, Toy(0.1), Toy(0.5))
    assert {one for one in PEOPLE if seat.choose(one).champion.version == 2} == IN
    seat.sitting = pair(SHADOW, Toy(0.1), Toy(0.5))
    assert {seat.choose(one).champion.version for one in PEOPLE} == {1}


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


def watched(home: Home, new: Toy) -> tuple[Seat, RolloutWatch]:
    """A seat with champion 1, and a watch that knows version 2."""
    seat = Seat("churn")
    seat.sitting = sitting(1, Toy(0.1))
    watch = RolloutWatch(Rollouts(home), lambda _task, number: sitting(number, new))
    watch.look_at(seat)
    return seat, watch


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
