"""When a retrain is due, as a table over what is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lifecycle.errors import UsageError
from lifecycle.job import Job
from lifecycle.job_states import ENDS, State, Trigger
from lifecycle.ledger import Entry
from lifecycle.retraining import OLDEST, Retraining, Schedule
from lifecycle.triggers import Facts, Said, due, last_said
from tasks import find

PATIENT = settings(  # a busy machine draws slowly
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
CHURN = find("churn")
STATES: tuple[State, ...] = get_args(State)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def job(state: State, days: float, trigger: Trigger = "hand", version: int | None = None) -> Job:
    """As of so many days ago."""
    return Job(
        id="1f9c", task="churn", state=state, why="", requested_by="monitor", requested_at="",
        as_of=ago(days).isoformat(), worker=None, heartbeat_at=None, ended_at=None, attempts=1,
        outcome="{}", trigger=trigger, version=version,
    )  # fmt: skip


def said(verdict: str, days: float = 1) -> Said:
    return Said(verdict=verdict, why="2 of 3 windows fell short.", as_of=ago(days))


def facts(days: float = 8, verdict: str = "ignore", labels: int | None = None) -> Facts:
    return Facts(champion=3, trained_as_of=ago(days), said=said(verdict), new_labels=labels)


@pytest.mark.parametrize(
    ("jobs", "known", "trigger"),
    [
        ([], facts(8), "schedule"),
        ([], facts(6.9), None),
        ([], replace(facts(8), said=None), "schedule"),
        ([], Facts(), None),
        ([], facts(80, "broken data"), None),
        ([], facts(80, "insufficient data"), "schedule"),
        ([], facts(80, "roll back"), "schedule"),
        ([], facts(2, "retrain"), "decay"),
        ([job("promoted", 3)], facts(3, "retrain"), "decay"),
        ([job("refused", 1)], facts(80, "retrain"), None),
        ([job("superseded", 0.5)], facts(2, "retrain"), None),
        ([job("requested", 9)], facts(80), None),
        ([job("awaiting approval", 20)], facts(80, "retrain"), None),
        ([job("refused", 6)], facts(80), None),
        ([job("refused", 7)], facts(80), "schedule"),
        ([job("failed", 3)], facts(80), None),
        ([job("failed", 8)], facts(80), "schedule"),
        ([job("dead letter", 3)], facts(80), None),
        ([job("superseded", 3)], facts(80), "schedule"),
        ([job("promoted", -3)], facts(80), None),
    ],
)
def test_what_is_due(jobs: list[Job], known: Facts, trigger: str | None) -> None:
    """Open jobs and broken data hold everything off, a job of late the schedule."""
    found = due(CHURN, jobs, known, NOW)
    assert (found.trigger if found else None) == trigger


@pytest.mark.parametrize(("schedule", "days"), [("weekly", 7), ("monthly", 30), ("quarterly", 91)])
def test_a_schedule_says_how_old_the_model_is(schedule: Schedule, days: int) -> None:
    """From the day on which it is as old as it may be; a refused challenger is an answer, too."""
    task = replace(CHURN, retraining=Retraining(schedule=schedule))
    assert due(task, [], facts(days - 0.01), NOW) is None
    found = due(task, [], facts(days), NOW)
    assert found is not None
    assert found.why == (
        f"No data since {ago(days):%Y-%m-%d %H:%M} was learnt from, {days}.0 days ago; "
        f"version 3 may be {days} days old ({schedule} schedule)."
    )
    assert due(task, [job("refused", days - 0.01)], facts(400), NOW) is None


@pytest.mark.parametrize(
    ("changed", "trigger"),
    [
        ({}, "decay"),
        ({"trigger": "drift"}, "drift"),
        ({"version": 3}, "decay"),
        ({"version": 2}, None),
    ],
    ids=["decay", "drift", "the champion's", "another version's"],
)
def test_a_verdict_that_nobody_answered(changed: dict[str, Any], trigger: str | None) -> None:
    """It opens a job by its own name, as long as the version it was about serves."""
    known = replace(facts(2, "retrain"), said=replace(said("retrain"), **changed))
    found = due(CHURN, [], known, NOW)
    assert (found.trigger if found else None) == trigger


@pytest.mark.parametrize(("trigger", "answers"), [
    ("schedule", False), ("labels", False), ("hand", True), ("drift", True), ("decay", True),
])  # fmt: skip
def test_the_calendar_answers_no_decay(trigger: Trigger, answers: bool) -> None:
    """A retrain that had nothing to make good looks for less than one that has."""
    jobs = [replace(job("refused", 0.5), trigger=trigger)]
    assert (due(CHURN, jobs, facts(2, "retrain"), NOW) is None) == answers


def test_never_is_never() -> None:
    """Decay still is."""
    task = replace(CHURN, retraining=Retraining(schedule="never"))
    assert due(task, [], facts(4000), NOW) is None
    assert due(task, [], facts(4000, "retrain"), NOW) is not None


def test_enough_new_labels() -> None:
    """As many as the task asks for, when it asks; not in cooldown."""
    task = replace(CHURN, retraining=Retraining(schedule="never", new_labels=500))
    assert due(task, [], facts(5, labels=499), NOW) is None
    found = due(task, [], facts(5, labels=1500), NOW)
    assert found is not None
    assert found.trigger == "labels"
    assert found.why.startswith("1,500 labels have ripened since version 3 ")
    assert due(task, [job("refused", 3)], facts(5, labels=1500), NOW) is None
    assert due(CHURN, [], facts(5, labels=1500), NOW) is None
    with pytest.raises(UsageError, match="new_labels is 0"):
        Retraining(new_labels=0)


@pytest.mark.parametrize(
    ("last", "window", "due_again"),
    [
        (job("promoted", 28, "decay", 3), 14, True),
        (job("promoted", 28, "drift", 3), 14, True),
        (job("promoted", 27.9, "decay", 3), 14, False),
        (job("promoted", 200, "decay", 3), 0, False),
        (job("refused", 28, "decay", 4), 14, False),
        (job("promoted", 28, "decay", 4), 14, False),
        (job("promoted", 28, "labels", 3), 14, False),
    ],
    ids=["enough has come", "after drift", "too early", "of all history", "refused",
         "rolled back", "it was done"],
)  # fmt: skip
def test_what_was_made_in_haste_is_made_again_once(last: Job, window: int, due_again: bool) -> None:
    """Where no schedule does it anyway: learned from little, it is due when there is more."""
    task = replace(CHURN, retraining=Retraining(schedule="never"))
    known = replace(facts(28), window_days=window)
    found = due(task, [job("refused", 60, "schedule"), last], known, NOW)
    assert (found is not None) == due_again
    if found is not None:
        assert found.trigger == "labels"
        assert "answered " in found.why
        assert due(task, [last, job("refused", 10, "labels")], known, NOW) is None


@PATIENT
@given(
    st.lists(st.tuples(st.sampled_from(STATES), st.integers(0, 400)), max_size=4),
    st.integers(0, 400),
    st.sampled_from(["ignore", "watch", "retrain", "broken data", "roll back"]),
    st.sampled_from([*OLDEST, "never"]),
)
def test_nothing_is_opened_beside_an_open_job_or_on_broken_data(
    states: list[tuple[State, int]], days: float, verdict: str, schedule: Schedule
) -> None:
    """Whatever else is known; and no schedule opens two within its cooldown."""
    task = replace(CHURN, retraining=Retraining(schedule=schedule))
    jobs = [job(state, age) for state, age in states]
    found = due(task, jobs, facts(days, verdict), NOW)
    if verdict == "broken data" or any(state not in ENDS for state, _ in states):
        assert found is None
    if found is not None and found.trigger != "decay":
        assert all(age >= 7 for state, age in states if state != "superseded")


def row(number: int, decision: str, days: float, actor: str = "monitor") -> Entry:
    return Entry(
        actor=actor, task="churn", decision=decision, why="", number=number,
        evidence={"as_of": ago(days).isoformat()},
    )  # fmt: skip


def test_the_last_verdict_is_about_the_newest_window() -> None:
    """A look back at an old window changes nothing; of two about one window the later counts."""
    rows = [row(4, "broken data", 30), row(3, "watch", 1), row(2, "retrain", 1),
            row(9, "promote", 0, "ada")]  # fmt: skip
    found = last_said(rows)
    assert found is not None
    assert (found.verdict, found.as_of, found.version) == ("watch", ago(1), None)
    assert last_said([]) is None
    newer = row(10, "retrain", 0)
    told = last_said([replace(newer, version="3", evidence={**newer.evidence, "trigger": "drift"})])
    assert told is not None
    assert (told.version, told.trigger) == (3, "drift")
