"""The retrain job's worker: one at a time, dead ones are seen, every job closes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from lifecycle.channels import Slack
from lifecycle.errors import Busy, DataError
from lifecycle.home import Home, open_home
from lifecycle.job import Job
from lifecycle.job_states import RETRIES, Trigger
from lifecycle.job_table import opened
from lifecycle.jobs import Jobs
from lifecycle.ledger import Ledger
from lifecycle.progress import silent
from lifecycle.worker import alive, me
from onramp import retrain as worker
from onramp.job_report import RetrainReport, exit_code
from onramp.retrain import Budget, Steps, TakenOver, Work, closed, learn, retrain
from tasks import find
from tests.at_the_gate import at_the_gate
from tests.posted import posted

NOW = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path)


def request(home: Home) -> None:
    Jobs(home).request("churn", why="decay", by="monitor", as_of=NOW, trigger="decay")


def test_without_a_job_there_is_nothing_to_do(home: Home) -> None:
    """A scheduler that calls too often does no harm and gets 0."""
    report = retrain(home, find("churn"))
    assert report.outcome == "nothing to do"
    assert exit_code(report) == 0


def test_a_job_that_fails_is_closed_and_says_why(home: Home) -> None:
    """Whatever goes wrong, the job ends, the ledger has the reason and the scheduler its code."""
    request(home)
    report = retrain(home, find("churn"))
    assert report.outcome == "failed"
    assert "No data set in" in report.words
    assert exit_code(report) == 4
    assert [job.state for job in Jobs(home).read("churn")] == ["failed"]
    (entry,) = Ledger(home).read("churn")
    assert entry.decision == "failed"
    assert "Traceback" in entry.evidence["traceback"]


def test_a_job_whose_needs_are_held_elsewhere_stays_open(home: Home) -> None:
    """Somebody builds features at this moment: the request is kept for the next run."""
    jobs = Jobs(home)
    job, _ = jobs.request("churn", why="decay", by="monitor", as_of=NOW)
    mine = jobs.claim("churn", me())
    assert mine is not None
    assert jobs.release(mine) is True
    kept = jobs.read("churn")[0]
    assert (kept.id, kept.state, kept.worker) == (job.id, "requested", None)
    assert jobs.release(mine) is False


def test_a_living_workers_job_is_left_alone(home: Home) -> None:
    """Two schedulers at once: the second is told who works."""
    request(home)
    Jobs(home).claim("churn", "elsewhere/1/0.00")
    with pytest.raises(Busy, match=r"Worker elsewhere/1/0\.00"):
        retrain(home, find("churn"))


def test_a_dead_workers_job_is_taken_over_at_once(home: Home) -> None:
    """No lease has to run out when the process can be seen to be gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    request(home)
    Jobs(home).claim("churn", f"{socket.gethostname()}/{gone.pid}/0.00")
    assert retrain(home, find("churn")).outcome == "failed"
    assert Jobs(home).read("churn")[0].attempts == 2


def test_who_is_alive() -> None:
    """This process lives, another beginning under its number does not, far ones are unknown."""
    assert alive(me()) is True
    assert alive(f"{socket.gethostname()}/{os.getpid()}/1.00") is False
    assert alive("elsewhere/1/1.00") is None


@pytest.mark.parametrize(
    ("trigger", "regained"), [("decay", 0.05), ("drift", 0.0), ("schedule", 0.0), ("labels", 0.0)]
)
def test_a_retrain_holds_back_what_it_has_to_show(
    home: Home, monkeypatch: pytest.MonkeyPatch, trigger: Trigger, regained: float
) -> None:
    """Only decay has a loss to make good, which few rows show; every retrain says which."""
    given: list[object] = []

    def train(*_: object, **named: object) -> SimpleNamespace:
        given.append(named["regained"])
        return SimpleNamespace(version=5)

    monkeypatch.setattr("onramp.retrain.train", train)
    job, _ = Jobs(home).request("churn", why="so", by="x", as_of=NOW, trigger=trigger)
    assert learn(home, find("churn"), job, NOW, Budget(), silent) == 5
    assert given == [regained]


def test_a_job_that_awaits_approval_is_not_done_again(home: Home) -> None:
    """Every night until a person speaks, the scheduler gets 13 and is told what to say."""
    request(home)
    mine = Work(jobs=Jobs(home), job=at_the_gate(home, "churn", me(), 7))
    assert closed(mine, waits(mine.job)).outcome == "awaiting approval"
    report = retrain(home, find("churn"))
    assert (report.outcome, report.version, report.job_id) == ("awaiting approval", 7, mine.job.id)
    assert exit_code(report) == 13
    assert "onramp approve churn" in report.words
    assert [job.state for job in Jobs(home).read()] == ["awaiting approval"]
    assert closed(mine, waits(mine.job)).outcome == "awaiting approval"


def waits(job: Job) -> RetrainReport:
    return RetrainReport(
        task="churn", outcome="awaiting approval", words="trained", job_id=job.id, version=7
    )


def failing(error: BaseException) -> Steps:
    """Steps of which the first fails."""

    def prepare(*_: object) -> None:
        raise error

    return Steps(prepare=prepare)


@pytest.mark.parametrize(
    ("error", "outcome", "code", "state"),
    [
        (OSError(28, "No space left on device"), "waiting", 5, "requested"),
        (MemoryError(), "waiting", 5, "requested"),
        (Busy("Features are being built."), "waiting", 5, "requested"),
        (DataError("Half of it is missing."), "failed", 3, "failed"),
        (ValueError("a bug"), "failed", 1, "failed"),
    ],
    ids=repr,
)
def test_only_what_may_pass_is_tried_again(
    home: Home, error: Exception, outcome: str, code: int, state: str
) -> None:
    """Bad data and bugs end the job; what is held or full waits, and says until when."""
    request(home)
    report = retrain(home, find("churn"), as_of=NOW, steps=failing(error))
    assert (report.outcome, exit_code(report)) == (outcome, code)
    job = Jobs(home).read("churn")[0]
    assert (job.state, job.next_try_at is None) == (state, state == "failed")
    again = retrain(home, find("churn"), as_of=NOW, steps=failing(error))
    assert again.outcome == ("waiting" if state == "requested" else "nothing to do")
    assert (str(job.next_try_at)[:19] in again.words) == (state == "requested")
    assert Jobs(home).read("churn")[0].attempts == 1


def test_the_last_try_ends_in_a_dead_letter(home: Home) -> None:
    """With its reason in the report, and in the ledger."""
    request(home)
    for _ in range(RETRIES["passing"].most):
        report = retrain(home, find("churn"), as_of=NOW, steps=failing(MemoryError("no more")))
        with opened(home.platform) as db:
            db.execute("UPDATE jobs SET next_try_at = NULL")
    assert (report.outcome, exit_code(report)) == ("dead letter", 1)
    assert report.words == "Given up after 6 failures, the last: MemoryError: no more"
    assert Ledger(home).read("churn")[0].decision == "dead letter"
    assert retrain(home, find("churn")).outcome == "nothing to do"


def test_whoever_asked_is_told_of_the_end(home: Home) -> None:
    """By the run that ended the job; who could not be told is a line of its report, no failure."""
    with posted() as box:
        team = Slack(name="team", kind="slack", url=SecretStr(box.url))
        told = replace(home, channels=(team,))
        request(home)
        bad = failing(DataError("Half of it is missing."))
        report = retrain(told, find("churn"), as_of=NOW, steps=bad)
        assert report.notes == ()
        assert [got.json["text"] for got in box.got] == ["onramp: churn: failed"]
        assert "Half of it is missing." in box.got[0].content.decode()
        box.answers = [500]
        request(home)
        report = retrain(told, find("churn"), as_of=NOW, steps=bad)
        assert (report.outcome, exit_code(report), len(report.notes)) == ("failed", 3, 1)
        assert report.lines()[-1].startswith("  team was not told yet: ")


def test_a_worker_says_that_it_lives_and_hears_that_it_has_lost(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it works; once another has its job it begins no further step."""
    monkeypatch.setattr(worker, "HEARTBEAT_SECONDS", 0.05)
    request(home)
    jobs = Jobs(home)

    def prepare(*_: object) -> None:
        (began,) = jobs.read("churn")
        until(lambda: jobs.read("churn")[0].heartbeat_at != began.heartbeat_at)
        with opened(home.platform) as db:
            db.execute("UPDATE jobs SET attempts = attempts + 1, worker = 'elsewhere/1/0.00'")
        beats = [thread for thread in threading.enumerate() if "heartbeat" in thread.name]
        until(lambda: not any(thread.is_alive() for thread in beats))

    with pytest.raises(TakenOver, match=r"It is preparing by elsewhere/1/0\.00"):
        retrain(home, find("churn"), as_of=NOW, steps=Steps(prepare=prepare))


def until(there: Callable[[], bool]) -> None:
    """Wait for it, however busy the machine is."""
    end = time.monotonic() + 120
    while not there():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_person_who_stops_it_gives_the_job_back(home: Home) -> None:
    """Ctrl-C is no failure: nothing is counted, and the next run begins at once."""
    request(home)
    with pytest.raises(KeyboardInterrupt):
        retrain(home, find("churn"), as_of=NOW, steps=failing(KeyboardInterrupt()))
    job = Jobs(home).read("churn")[0]
    assert (job.state, job.failures, job.next_try_at) == ("requested", 0, None)


def test_a_job_that_is_cancelled_under_way_trains_nothing(home: Home) -> None:
    """The next step is not begun, and the error says what became of the job."""
    request(home)

    def prepare(*_: object) -> None:
        Jobs(home).cancel("churn", by="ada", because="wrong data")

    with pytest.raises(TakenOver, match="It is superseded: Cancelled by ada: wrong data"):
        retrain(home, find("churn"), as_of=NOW, steps=Steps(prepare=prepare))


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("promoted", 0),
        ("refused", 10),
        ("undecided", 11),
        ("awaiting approval", 13),
        ("failed", 1),
        ("waiting", 5),
        ("dead letter", 1),
        ("nothing to do", 0),
    ],
)
def test_the_exit_code_says_which(outcome: str, code: int) -> None:
    """A scheduler can tell a refusal from a failure."""
    report = RetrainReport(task="churn", outcome=outcome, words="")  # type: ignore[arg-type]
    assert exit_code(report) == code
