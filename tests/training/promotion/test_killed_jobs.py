"""`kill -9` at every step of a retrain job, in other processes: it ends once, whoever goes on."""

from __future__ import annotations

import signal
from datetime import UTC, datetime

import pytest

from lifecycle.home import Home
from lifecycle.jobs import Jobs
from lifecycle.lock import held
from lifecycle.registry import Registry
from onramp.retrain import JOB_TAG
from tests.training.promotion.doomed import Doomed, Order
from tests.training.promotion.world import agree, decisions
from training.promotion.move import lock

KILLED = [-signal.SIGKILL]
FIRST = ("promote", None, "1")
OF_THE_JOB = (
    "the job is claimed", "the training begins", "the version is registered", "the judging begins",
    "the gate has spoken",
)  # fmt: skip
OF_A_PROMOTION = (
    "the promoting begins", "the move is written down", "previous moves", "champion moves",
    "it is told", "the move is done", "the row is written and not committed",
    "the row is committed", "the job is closed",
)  # fmt: skip
OF_A_REFUSAL = (
    "the row is written and not committed", "the verdict is committed", "the job is closed",
)  # fmt: skip
STEPS = [
    *(("promoted", step) for step in (*OF_THE_JOB, *OF_A_PROMOTION)),
    *(("refused", step) for step in OF_A_REFUSAL),
    ("awaiting approval", "the job waits"),
]
ROWS = {"promoted": ("promote", "1"), "refused": ("refuse", "1"),
        "awaiting approval": ("await approval", "1")}  # fmt: skip


def request(home: Home) -> str:
    now = datetime.now(UTC)
    return Jobs(home).request("churn", why="decay", by="monitor", as_of=now, trigger="decay")[0].id


def work(home: Home, actor: str = "worker", step: str = "", outcome: str = "promoted") -> Order:
    return Order(root=str(home.root), verb="retrain", actor=actor, step=step, outcome=outcome)


def trained(home: Home, job: str) -> list[int]:
    """The versions that the job registered."""
    versions = Registry(home).versions("churn")
    return [version.number for version in versions if version.tags.get(JOB_TAG) == job]


@pytest.mark.parametrize(("outcome", "step"), STEPS)
def test_a_job_killed_at_any_step(world: Home, doomed: Doomed, outcome: str, step: str) -> None:
    """Run again it ends as it would have: one version, one row, one promotion, no lock."""
    job = request(world)
    assert doomed.run(work(world, step=step, outcome=outcome)) == KILLED
    assert doomed.run(work(world, outcome=outcome)) == [0]
    (found,) = Jobs(world).read("churn")
    (version,) = trained(world, job)
    assert (found.id, found.state, found.version) == (job, outcome, version)
    assert decisions(world) == [FIRST, (*ROWS[outcome], str(version))]
    assert agree(world) == ((version, 1, 2) if outcome == "promoted" else (1, None, 2))
    with held(lock(world, "churn"), "Looking whether anybody holds it"):
        assert Jobs(world).claim("churn", "next") is None


def test_of_two_schedulers_one_works(world: Home, doomed: Doomed) -> None:
    """Started in the same instant: one trains and promotes, the other leaves it alone."""
    job = request(world)
    assert doomed.run(work(world, "one"), work(world, "two")) == [0, 0]
    ends = sorted((world.root / f"{name}.txt").read_text()[:9] for name in ("one", "two"))
    assert ends in (["busy: Job", "promoted"], ["nothing t", "promoted"])
    (version,) = trained(world, job)
    assert decisions(world) == [FIRST, ("promote", "1", str(version))]
    assert Jobs(world).named(job).attempts == 1


def test_a_worker_that_dies_each_time_is_not_followed_for_ever(world: Home, doomed: Doomed) -> None:
    """Killed for its memory at every try, say: after some it is a dead letter, with the reason."""
    job = request(world)
    for _ in range(4):
        assert doomed.run(work(world, step="the training begins")) == KILLED
    assert doomed.run(work(world)) == [0]
    found = Jobs(world).named(job)
    assert (found.state, found.attempts) == ("dead letter", 4)
    assert found.words.startswith("Given up after 4 failures, the last: Worker ")
    assert found.words.endswith(" died while preparing.")
    assert trained(world, job) == []
