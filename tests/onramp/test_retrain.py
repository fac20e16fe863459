"""The retrain job's worker: one at a time, dead ones are seen, every job closes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lifecycle.errors import Busy
from lifecycle.home import Home, open_home
from lifecycle.jobs import Job, Jobs
from lifecycle.ledger import Ledger
from lifecycle.worker import alive, me
from onramp.retrain import RetrainReport, closed, exit_code, retrain
from tasks import find

NOW = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path)


def request(home: Home) -> None:
    Jobs(home).request("churn", why="decay", by="monitor", as_of=NOW)


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


def test_a_job_that_awaits_approval_is_not_done_again(home: Home) -> None:
    """Every night until a person speaks, the scheduler gets 13 and is told what to say."""
    request(home)
    jobs = Jobs(home)
    mine = jobs.claim("churn", me())
    assert mine is not None
    assert closed(jobs, mine, waits(mine))
    report = retrain(home, find("churn"))
    assert (report.outcome, report.version, report.job_id) == ("awaiting approval", 7, mine.id)
    assert exit_code(report) == 13
    assert "onramp approve churn" in report.words
    assert [job.state for job in jobs.read()] == ["awaiting approval"]
    assert not closed(jobs, mine, waits(mine))


def waits(job: Job) -> RetrainReport:
    return RetrainReport(
        task="churn", outcome="awaiting approval", words="trained", job_id=job.id, version=7
    )


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("promoted", 0), ("refused", 10), ("undecided", 11), ("awaiting approval", 13), ("failed", 1)],
)
def test_the_exit_code_says_which(outcome: str, code: int) -> None:
    """A scheduler can tell a refusal from a failure."""
    report = RetrainReport(task="churn", outcome=outcome, words="")  # type: ignore[arg-type]
    assert exit_code(report) == code
