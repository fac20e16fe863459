"""`kill -9` at every step of a retrain job, in other processes: it ends once, whoever goes on."""

from __future__ import annotations

import pytest

from lifecycle.home import Home
from lifecycle.jobs import Jobs
from tests.training.promotion.doomed import Doomed
from tests.training.promotion.killed_job import (
    KILLED,
    STEPS,
    killed,
    orphans,
    request,
    trained,
    work,
)
from tests.training.promotion.world import agree, decisions

FIRST = ("promote", None, "1")
ROWS = {"promoted": ("promote", "1"), "refused": ("refuse", "1"),
        "awaiting approval": ("await approval", "1")}  # fmt: skip


@pytest.mark.parametrize(("outcome", "step"), STEPS)
def test_a_job_killed_at_any_step(world: Home, doomed: Doomed, outcome: str, step: str) -> None:
    """Run again it ends as it would have: one version, one row, one promotion, no lock."""
    told = killed(world, doomed, outcome, step)
    (version,) = told.ended.versions
    (found,) = Jobs(world).read("churn")
    assert (found.id, found.state, found.version) == (told.job, outcome, version)
    assert decisions(world) == [FIRST, (*ROWS[outcome], str(version))]
    assert agree(world) == ((version, 1, 2) if outcome == "promoted" else (1, None, 2))
    assert (told.promotions, told.held) == (outcome == "promoted", ())
    assert told.ended.prepared - told.left.prepared == told.ended.attempts - told.left.attempts
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
    assert orphans(world) == ()


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
    assert trained(world, job) == ()
