"""What was decided before is read, never counted: waits, budgets and standing alarms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lifecycle.home import Home, open_home
from lifecycle.job_states import Trigger
from lifecycle.jobs import Jobs
from lifecycle.ledger import Entry, Ledger
from lifecycle.task import Monitor
from monitoring.evidence import Past
from monitoring.past import KEPT, asked_for, history, retrains, retrains_of
from tests.at_the_gate import at_the_gate

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Tried:
    """A job, as far as it is read."""

    weeks_ago: float
    state: str = "refused"
    requested_by: str = "monitor"
    trigger: Trigger = "decay"

    @property
    def as_of(self) -> str:
        return (NOW - self.weeks_ago * WEEK).isoformat()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def row(weeks_ago: int, decision: str = "watch", actor: str = "monitor", **more: object) -> Entry:
    known = {"as_of": (NOW - weeks_ago * WEEK).isoformat(), "rules": ["drift"], **more}
    return Entry(actor=actor, task="churn", decision=decision, why="", version="4", evidence=known)


def test_history_is_of_earlier_windows_newest_first(home: Home) -> None:
    """Rows of this window, of others than monitoring and of other tasks are none of it."""
    ledger = Ledger(home)
    for entry in (row(3), row(2), row(1, newest="fine"), row(0), row(1, actor="ann")):
        ledger.append(entry)
    ledger.append(row(2, "retrain", rules=["decay"]))  # looked at again: a label came late
    found = history(home, "churn", NOW)
    assert [past.as_of for past in found] == [NOW - n * WEEK for n in (1, 2, 3)]
    assert [past.outcome for past in found] == ["watch", "retrain", "watch"]
    assert [past.alarmed for past in found] == [False, True, False]
    assert found[0].newest == "fine"
    assert history(home, "preference", NOW) == ()


def test_history_is_bounded(home: Home) -> None:
    """However long the ledger, a verdict rests on the newest of it."""
    ledger = Ledger(home)
    for weeks_ago in range(KEPT + 5, 0, -1):
        ledger.append(row(weeks_ago))
    assert len(history(home, "churn", NOW)) == KEPT


def test_the_wait_doubles_with_every_retrain_in_vain() -> None:
    """One window after the first, two after the second, …, sixteen at most; fine ends the count."""
    waits = []
    for count in range(1, 8):
        jobs = [Tried(weeks_ago=20 - n) for n in range(count)]
        found = retrains_of(jobs, Monitor(), NOW)
        assert found.last is not None
        assert found.ready is not None
        waits.append((found.ready - found.last) / WEEK)
    assert waits == [1, 2, 4, 8, 16, 16, 16]
    fine = Past(as_of=NOW - 18.5 * WEEK, outcome="ignore", version=4, newest="fine")
    jobs = [Tried(weeks_ago=weeks) for weeks in (20, 19, 18, 17)]
    found = retrains_of(jobs, Monitor(), NOW, [fine])
    assert found.ready == NOW - 17 * WEEK + 2 * WEEK


def test_jobs_that_were_not_judged_make_nobody_wait() -> None:
    """A job that failed or is open has taught nothing: neither last nor ready."""
    found = retrains_of([Tried(1, "failed"), Tried(2, "requested")], Monitor(), NOW)
    assert (found.last, found.ready) == (None, None)


def test_a_retrain_by_the_calendar_makes_decay_wait_for_nothing() -> None:
    """Refused every week for nothing was won, it says little of one that answers decay."""
    jobs = [Tried(n, trigger=trigger) for n in range(1, 6) for trigger in ("schedule", "labels")]
    assert retrains_of(jobs, Monitor(), NOW).ready is None
    by_hand = retrains_of([*jobs, Tried(0.5, trigger="hand")], Monitor(), NOW)
    assert by_hand.ready == NOW + 0.5 * WEEK


def test_the_budget_counts_what_monitoring_asked_for_in_thirty_days() -> None:
    """Jobs by hand, older ones, this window's own and what nobody began are not counted."""
    jobs = [Tried(1), Tried(2, "failed"), Tried(3, requested_by="ann"), Tried(5), Tried(0),
            Tried(1.5, "superseded")]  # fmt: skip
    assert retrains_of(jobs, Monitor(), NOW).this_month == 2


def test_jobs_are_read_from_the_store(home: Home) -> None:
    """What the store holds is what counts."""
    jobs = Jobs(home)
    jobs.request("churn", why="decay", by="monitor", as_of=NOW - WEEK, trigger="decay")
    asked = asked_for(jobs.read("churn"), NOW - WEEK)
    assert asked is not None
    assert asked.why == "decay"
    assert asked_for(jobs.read("churn"), NOW) is None
    jobs.end(at_the_gate(home, "churn", "ann", 2), "refused", {})
    found = retrains(home, "churn", Monitor(), NOW)
    assert (found.last, found.ready, found.this_month) == (NOW - WEEK, NOW, 1)
