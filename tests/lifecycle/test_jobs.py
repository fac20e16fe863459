"""One open job a task, one worker a job, whoever dies and whoever comes at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import sampled_from

from lifecycle.errors import Busy, NotReady, UsageError
from lifecycle.home import Home, open_home
from lifecycle.job import LEASE, Job
from lifecycle.job_states import DEADLINES, ENDS, RETRIES, WORKING, State
from lifecycle.job_table import opened
from lifecycle.jobs import Jobs, decided
from lifecycle.ledger import Ledger

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TASKS = ("churn", "preference")
WORKERS = ("ann", "bob", "cat")

AT_ONCE = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from lifecycle.errors import Busy, NotReady, UsageError
from lifecycle.home import open_home
from lifecycle.jobs import Jobs
jobs = Jobs(open_home(Path(sys.argv[1])))
me, do = sys.argv[2], sys.argv[3]
while time.time() < float(sys.argv[4]): pass
if do == "request":
    print(jobs.request("churn", why="decay", by=me, as_of=datetime.now(UTC))[1], flush=True)
else:
    try:
        print(jobs.claim("churn", me).worker == me, flush=True)
    except Busy:
        print(False, flush=True)
if do == "claim and hang":
    time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def jobs(home: Home) -> Jobs:
    return Jobs(home)


def request(jobs: Jobs, task: str = "churn") -> Job:
    asked = jobs.request(task, why="decay", by="monitor", as_of=NOW, trigger="decay")
    return asked[0]


def claimed(jobs: Jobs, worker: str) -> Job:
    job = jobs.claim("churn", worker)
    assert job is not None
    return job


def gate(jobs: Jobs, worker: str, version: int) -> Job:
    mine = jobs.claim("churn", worker)
    assert mine is not None
    there = jobs.advance(mine, "judging", version=version)
    assert there is not None
    return there


def silence(home: Home, age: timedelta) -> None:
    """Make the last heartbeat so old, as a worker that died then would have."""
    with opened(home.platform) as db:
        db.execute("UPDATE jobs SET heartbeat_at = ?", ((datetime.now(UTC) - age).isoformat(),))


def start(home: Home, worker: str, do: str, at: float = 0.0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", AT_ONCE, home.root, worker, do, str(at)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_second_request_finds_the_first(jobs: Jobs) -> None:
    """Asking again while a job is open returns it and opens none."""
    first, opened = jobs.request("churn", why="decay", by="monitor", as_of=NOW)
    again, opened_again = jobs.request("churn", why="by hand", by="ada", as_of=NOW)
    assert (opened, opened_again) == (True, False)
    assert again == first
    assert len(jobs.read()) == 1


def test_tasks_do_not_wait_for_each_other(jobs: Jobs) -> None:
    """Each task has its own open job."""
    assert {request(jobs, task).task for task in TASKS} == set(TASKS)
    assert len(jobs.read()) == 2


def test_nothing_to_claim(jobs: Jobs) -> None:
    """Without an open job there is nothing to claim, and nothing is made on disk by reading."""
    assert jobs.read() == ()
    assert jobs.claim("churn", "ann") is None


def test_a_job_that_is_worked_on_is_busy(jobs: Jobs) -> None:
    """The error names the worker and says what to do."""
    job = request(jobs)
    claimed(jobs, "ann")
    with pytest.raises(Busy) as refused:
        jobs.claim("churn", "bob")
    assert refused.value.what == f"Job {job.id} of churn is being worked on."
    assert refused.value.found.startswith("Worker ann, last heard of at 20")
    assert refused.value.do == "Leave it, or try again when that worker has ended."
    assert refused.value.exit_code == 5


def test_an_ended_job_makes_room(jobs: Jobs) -> None:
    """Once a job has ended, a new one may be asked for, and both are remembered."""
    first = request(jobs)
    assert jobs.end(gate(jobs, "ann", 2), "promoted", {"version": 2})
    second = request(jobs)
    assert second.id != first.id
    assert [(job.id, job.state) for job in jobs.read("churn")] == [
        (second.id, "requested"), (first.id, "promoted"),
    ]  # fmt: skip
    assert jobs.read()[1].outcome == '{"version": 2}'


def test_a_dead_workers_job_is_taken_over_after_the_lease(home: Home, jobs: Jobs) -> None:
    """Before the lease has run out the job is held, after it the next worker has it."""
    request(jobs)
    claimed(jobs, "ann")
    silence(home, LEASE - timedelta(minutes=1))
    with pytest.raises(Busy):
        jobs.claim("churn", "bob")
    silence(home, LEASE + timedelta(seconds=1))
    taken = claimed(jobs, "bob")
    assert (taken.worker, taken.attempts) == ("bob", 2)


def test_a_heartbeat_keeps_the_job(home: Home, jobs: Jobs) -> None:
    """A worker that says it lives keeps its job past the lease."""
    request(jobs)
    job = claimed(jobs, "ann")
    silence(home, LEASE * 2)
    assert jobs.beat(job)
    with pytest.raises(Busy):
        jobs.claim("churn", "bob")


@pytest.mark.parametrize(("lives", "age", "busy"), [
    (True, LEASE * 3, True), (False, timedelta(0), False), (None, timedelta(0), True),
    (None, LEASE * 3, False),
])  # fmt: skip
def test_what_is_seen_of_the_worker_counts_more_than_its_heartbeat(
    home: Home, jobs: Jobs, lives: bool | None, age: timedelta, busy: bool
) -> None:
    """Seen alive it keeps the job, seen dead it loses it at once; unseen, the heartbeat decides."""
    request(jobs)
    claimed(jobs, "ann")
    silence(home, age)
    if busy:
        with pytest.raises(Busy):
            jobs.claim("churn", "bob", alive=lambda _: lives)
    else:
        taken = jobs.claim("churn", "bob", alive=lambda _: lives)
        assert taken is not None
        assert taken.worker == "bob"


def test_a_worker_that_lost_its_job_cannot_end_it(home: Home, jobs: Jobs) -> None:
    """Taken over, the first worker may neither beat nor end; the second's word stands."""
    request(jobs)
    lost = claimed(jobs, "ann")
    silence(home, LEASE * 2)
    held = claimed(jobs, "bob")
    assert not jobs.beat(lost)
    assert not jobs.end(lost, "failed", {"by": "ann"})
    assert jobs.advance(lost, "training") is None
    assert jobs.advance(held, "judging", version=2) is not None
    assert jobs.end(held, "refused", {"by": "bob"})
    assert not jobs.end(held, "promoted", {"by": "bob again"})
    assert [(job.state, job.outcome) for job in jobs.read()] == [("refused", '{"by": "bob"}')]


def test_a_clock_set_back_does_not_keep_a_dead_workers_job(home: Home, jobs: Jobs) -> None:
    """A heartbeat from far ahead of now is no sign of life."""
    request(jobs)
    claimed(jobs, "ann")
    silence(home, -LEASE * 6)
    assert claimed(jobs, "bob").worker == "bob"


def test_a_job_that_awaits_approval_is_open_but_nobodys(home: Home, jobs: Jobs) -> None:
    """No second job is opened beside it and no worker can take it; it waits for its version."""
    job = request(jobs)
    mine = gate(jobs, "ann", 7)
    assert jobs.wait(mine, 7, {"words": "trained"})
    assert not jobs.wait(mine, 7, {})
    assert request(jobs).id == job.id
    assert jobs.claim("churn", "bob") is None
    waiting = jobs.waiting("churn")
    assert waiting is not None
    assert (waiting.id, waiting.state) == (job.id, "awaiting approval")
    for version, state in ((6, "awaiting approval"), (7, "refused")):
        with opened(home.platform) as db:
            decided(db, "churn", version, "refused", "by ada: too soon")
        assert jobs.read()[0].state == state
    assert jobs.read()[0].outcome == '{"words": "by ada: too soon", "version": 7}'
    assert jobs.waiting("churn") is None
    assert request(jobs).id != job.id


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def on(self, **given: float) -> None:
        self.now += timedelta(**given)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(home: Home, clock: Clock) -> Jobs:
    return Jobs(home, clock=clock)


def test_what_nobody_began_gives_way_to_later_data(jobs: Jobs) -> None:
    """The older request is superseded, with the reason; one that was begun stays the one."""
    first = request(jobs)
    later = NOW + timedelta(days=7)
    second, new = jobs.request("churn", why="decay again", by="monitor", as_of=later)
    assert new
    old = jobs.named(first.id)
    assert (old.state, old.words) == (
        "superseded", "Superseded by a request as of 2026-03-08 00:00: decay again",
    )  # fmt: skip
    for when in (NOW, later, later + timedelta(minutes=30)):
        assert jobs.request("churn", why="same", by="monitor", as_of=when) == (second, False)
    jobs.release(claimed(jobs, "ann"))
    kept, new = jobs.request("churn", why="newer", by="monitor", as_of=later + timedelta(days=1))
    assert (kept.id, new) == (second.id, False)


def test_a_request_by_hand_is_a_row_of_the_ledger(home: Home, jobs: Jobs) -> None:
    """With who, why and the job, in one transaction; a verdict of monitoring is its own row."""
    request(jobs, "preference")
    assert Ledger(home).read() == ()
    job, _ = jobs.request("churn", why="new price", by="ada", as_of=NOW, trigger="hand")
    (row,) = Ledger(home).read()
    assert (row.actor, row.decision, row.why) == ("ada", "retrain", "new price")
    assert (row.evidence["job"], row.evidence["trigger"]) == (job.id, "hand")
    jobs.request("churn", why="again", by="ada", as_of=NOW, trigger="hand")
    assert len(Ledger(home).read()) == 1


def test_what_may_pass_is_tried_again_later_and_later(timed: Jobs, clock: Clock) -> None:
    """Not before its time; then as often as the table says, and then it is a dead letter."""
    request(timed)
    waited = []
    for _ in range(RETRIES["passing"].most - 1):
        mine = claimed(timed, "ann")
        kept = timed.failed(mine, "passing", "OSError: the disk is full")
        assert kept is not None
        assert (kept.state, kept.worker) == ("requested", None)
        assert timed.claim("churn", "bob") is None
        pause = datetime.fromisoformat(str(kept.next_try_at)) - clock.now
        waited.append(pause / timedelta(minutes=1))
        clock.on(minutes=waited[-1] - 0.01)
        assert timed.claim("churn", "bob") is None
        clock.on(minutes=0.02)
    assert waited == [5, 10, 20, 40, 80]
    given_up = timed.failed(claimed(timed, "ann"), "passing", "OSError: the disk is full")
    assert given_up is not None
    assert (given_up.state, given_up.failures) == ("dead letter", 6)
    assert given_up.words == "Given up after 6 failures, the last: OSError: the disk is full"
    assert timed.claim("churn", "bob") is None


def test_a_dead_letter_is_in_the_ledger_and_makes_room(home: Home, timed: Jobs) -> None:
    """Its reason is a row; another job may be asked for; a person may have it tried again."""
    job = request(timed)
    for worker in ("a", "b", "c", "d"):
        assert timed.claim("churn", worker, alive=lambda _: False) is not None
    assert timed.claim("churn", "e", alive=lambda _: False) is None
    (row,) = Ledger(home).read()
    assert (row.decision, row.evidence["job"]) == ("dead letter", job.id)
    assert row.why == "Given up after 4 failures, the last: Worker d died while preparing."
    again = timed.retry("churn")
    assert (again.id, again.state, again.failures) == (job.id, "requested", 0)
    timed.cancel("churn", by="ada", because="no use")
    assert request(timed).id != job.id


def test_a_person_has_a_waiting_job_tried_at_once(timed: Jobs) -> None:
    """Whoever mended the disk need not wait for the pause."""
    request(timed)
    timed.failed(claimed(timed, "ann"), "passing", "no disk")
    assert timed.claim("churn", "bob") is None
    timed.retry("churn")
    assert claimed(timed, "bob").attempts == 2
    with pytest.raises(Busy, match="is preparing"):
        timed.retry("churn")


def test_a_cancelled_jobs_worker_can_do_nothing_more(home: Home, timed: Jobs) -> None:
    """Whatever it was doing, its next word does not count; promoting is not to be stopped."""
    request(timed)
    mine = gate(timed, "ann", 2)
    job = timed.cancel("churn", by="ada", because="wrong data")
    assert (job.state, job.words) == ("superseded", "Cancelled by ada: wrong data")
    assert timed.advance(mine, "promoting") is None
    assert not timed.beat(mine)
    (row,) = Ledger(home).read()
    assert (row.actor, row.decision, row.version) == ("ada", "superseded", "2")
    request(timed)
    assert timed.advance(gate(timed, "ann", 3), "promoting") is not None
    with pytest.raises(UsageError, match="promoting cannot become superseded"):
        timed.cancel("churn", by="ada", because="wrong data")


def test_nothing_to_cancel_or_to_try_again(timed: Jobs) -> None:
    """Both say so, and what to do."""
    for act in (lambda: timed.cancel("churn", by="ada", because=""), lambda: timed.retry("churn")):
        with pytest.raises(NotReady, match="There is no job of churn"):
            act()


@pytest.mark.parametrize("state", sorted(WORKING))
def test_a_living_worker_that_is_too_late_loses_its_job(
    timed: Jobs, clock: Clock, state: State
) -> None:
    """It hangs, and its heartbeat goes on: past the state's deadline the next has the job."""
    request(timed)
    slow = claimed(timed, "ann")
    for step in ("judging", "promoting") if state == "promoting" else (state,):
        if step != "preparing":
            assert timed.advance(slow, step) is not None  # type: ignore[arg-type]
    clock.on(seconds=(DEADLINES[state] - timedelta(minutes=1)).total_seconds())
    with pytest.raises(Busy):
        timed.claim("churn", "bob", alive=lambda _: True)
    clock.on(minutes=2)
    taken = timed.claim("churn", "bob", alive=lambda _: True)
    assert taken is not None
    assert "for more than" in taken.problem
    assert timed.advance(slow, "judging") is None


@pytest.mark.parametrize(("waits", "words"), [
    (False, "No worker has come for it within 14 days."),
    (True, "Nobody has approved or rejected version 7 within 30 days."),
])  # fmt: skip
def test_what_nobody_comes_for_is_a_dead_letter(
    timed: Jobs, clock: Clock, waits: bool, words: str
) -> None:
    """And no longer keeps the task's next job from being opened."""
    job = request(timed)
    if waits:
        assert timed.wait(gate(timed, "ann", 7), 7, {"words": "trained"})
    clock.on(days=31)
    assert request(timed).id != job.id
    found = timed.named(job.id)
    assert (found.state, found.words) == ("dead letter", words)


def test_a_clock_set_back_does_not_keep_a_job_waiting(timed: Jobs, clock: Clock) -> None:
    """A next try that is further off than any pause was written by a clock that ran ahead."""
    clock.on(days=300)
    request(timed)
    timed.failed(claimed(timed, "ann"), "passing", "no disk")
    clock.on(days=-300)
    assert timed.claim("churn", "bob") is not None


@pytest.mark.parametrize("do", ["request", "claim"])
def test_of_processes_at_once_one_wins(home: Home, jobs: Jobs, do: str) -> None:
    """Of six processes that ask, or claim, in the same instant, exactly one is told it has it."""
    if do == "claim":
        request(jobs)
    at = time.time() + 0.7
    racers = [start(home, f"worker {n}", do, at) for n in range(6)]
    answers = [racer.communicate(timeout=60)[0].strip() for racer in racers]
    assert sorted(answers) == ["False"] * 5 + ["True"]
    assert len(jobs.read()) == 1


def test_a_worker_killed_at_its_work(home: Home, jobs: Jobs) -> None:
    """After `kill -9` the job is still there, held for the lease, then done again by another."""
    request(jobs)
    worker = start(home, "doomed", "claim and hang")
    assert worker.stdout is not None
    assert worker.stdout.readline().strip() == "True"
    os.kill(worker.pid, signal.SIGKILL)
    worker.communicate()
    with pytest.raises(Busy, match="Worker doomed"):
        jobs.claim("churn", "next")
    silence(home, LEASE * 2)
    taken = claimed(jobs, "next")
    assert taken.attempts == 2
    assert jobs.end(taken, "failed", {})
    assert len(jobs.read()) == 1


class JobsMachine(RuleBasedStateMachine):
    """Any order of requests, claims, deaths and ends, against what is allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = temporary()
        self.home = open_home(Path(self.folder.name) / "home")
        self.jobs = Jobs(self.home)
        self.claims: dict[str, list[Job]] = {task: [] for task in TASKS}
        self.ended: dict[str, str] = {}

    def teardown(self) -> None:
        self.folder.cleanup()

    def open_jobs(self, task: str) -> list[Job]:
        return [job for job in self.jobs.read(task) if job.state not in ENDS]

    def mine(self, task: str, job: Job) -> bool:
        """Whether this claim of the job is the last one, and its work not over."""
        claims = {
            (one.id, one.worker, one.attempts)
            for one in self.open_jobs(task)
            if one.state in WORKING
        }
        return (job.id, job.worker, job.attempts) in claims

    @rule(task=sampled_from(TASKS))
    def ask(self, task: str) -> None:
        was_open = bool(self.open_jobs(task))
        job, opened = self.jobs.request(task, why="decay", by="monitor", as_of=NOW)
        assert opened == (not was_open)
        assert job.id not in self.ended

    @rule(task=sampled_from(TASKS), worker=sampled_from(WORKERS), dead=sampled_from((True, None)))
    def claim(self, task: str, worker: str, dead: bool | None) -> None:
        before = self.open_jobs(task)
        try:
            job = self.jobs.claim(task, worker, alive=lambda _: not dead if dead else None)
        except Busy:
            assert before[0].worker != worker
            assert not dead
            return
        given_up = bool(before) and before[0].state in WORKING and not self.open_jobs(task)
        waits = bool(before) and before[0].state == "awaiting approval"
        assert (job is None) == (not before or waits or given_up)
        if given_up:
            assert dead
            self.ended[before[0].id] = "dead letter"
        if job is not None:
            assert job.worker == worker
            self.claims[task].append(job)

    @precondition(lambda self: any(self.claims.values()))
    @rule(task=sampled_from(TASKS), state=sampled_from(("promoted", "refused", "failed")))
    def end(self, task: str, state: str) -> None:
        if not self.claims[task]:
            return
        job = self.claims[task].pop(0)
        mine = self.mine(task, job)
        assert (self.jobs.advance(job, "judging", version=3) is not None) == mine
        done = self.jobs.end(job, state, {})
        assert done == mine
        if done:
            assert job.id not in self.ended
            self.ended[job.id] = state

    @precondition(lambda self: any(self.claims.values()))
    @rule(task=sampled_from(TASKS))
    def wait(self, task: str) -> None:
        if not self.claims[task]:
            return
        job = self.claims[task].pop(0)
        mine = self.mine(task, job)
        assert (self.jobs.advance(job, "judging", version=3) is not None) == mine
        assert self.jobs.wait(job, 3, {}) == mine

    @rule(task=sampled_from(TASKS), state=sampled_from(("promoted", "refused")))
    def approve(self, task: str, state: str) -> None:
        waits = self.jobs.waiting(task)
        with opened(self.home.platform) as db:
            decided(db, task, 3, state, "a person")
        if waits is not None:
            self.ended[waits.id] = state
            assert self.jobs.named(waits.id).version == 3

    @invariant()
    def one_open_job_a_task(self) -> None:
        assert all(len(self.open_jobs(task)) <= 1 for task in TASKS)

    @invariant()
    def an_end_is_final(self) -> None:
        found = {job.id: job.state for job in self.jobs.read()}
        assert all(found[job_id] == state for job_id, state in self.ended.items())


def temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="onramp-jobs-")


TestJobsMachine = JobsMachine.TestCase
TestJobsMachine.settings = settings(
    deadline=None, max_examples=8, stateful_step_count=20,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
