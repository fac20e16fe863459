"""The board: one owner a slot, nothing lost, nothing done twice, the dead do not block it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FixedTrial, TrialState

from tests.training.search.conftest import make_plan
from training.search.board import DEATHS, UNHEARD_SECONDS, Board, open_board
from training.search.draw import outcome
from training.search.plan import Plan
from training.search.slots import Order

DEAD = f"{socket.gethostname()}/{os.getpid()}/1.00"  # our number, but begun long ago
FAR = "elsewhere/1/1.00"


def drawn() -> FixedTrial:
    trial = FixedTrial({"x": 0.1 + 0.2})
    trial.suggest_float("x", 0, 1)
    return trial


@pytest.fixture(params=["journal", "sqlite"])
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Board]:
    """Opens one more board on the same study, as another process would."""
    plan: Plan = make_plan(tmp_path)
    if request.param == "sqlite":
        plan = replace(plan, storage=f"sqlite:///{tmp_path / 'search.db'}")
    return lambda: open_board(plan)


def test_of_two_that_begin_a_slot_one_has_it(board: Callable[[], Board]) -> None:
    """The second sees that it is taken; the first one's outcome is read back bit by bit."""
    one, two = board(), board()
    mine = one.take(0, 7, drawn())
    assert mine is not None
    assert two.take(0, 7, drawn()) is None
    assert one.end(mine, 1 / 3, {"scores": [0.1, 0.2]}, pruned=False)
    (trial,) = two.look().values()
    assert (trial.state, trial.value, trial.params) == (
        TrialState.COMPLETE,
        1 / 3,
        {"x": 0.1 + 0.2},
    )
    assert trial.distributions == {"x": FloatDistribution(0, 1)}
    assert outcome(trial) == {"scores": [0.1, 0.2]}


def test_a_dead_workers_slot_is_free_again(board: Callable[[], Board]) -> None:
    """Its trial is given up at the next look; what it writes afterwards changes nothing."""
    gone, here = board(), board()
    gone.name = DEAD
    theirs = gone.take(0, 0, drawn())
    assert theirs is not None
    assert here.look() == {}
    mine = here.take(0, 0, drawn())
    assert mine is not None
    assert here.end(mine, 0.5, {}, pruned=False)
    assert not gone.end(theirs, 0.9, {}, pruned=False)
    assert [t.value for t in gone.look().values()] == [0.5]


def test_a_slot_that_kills_whoever_takes_it_has_failed(board: Callable[[], Board]) -> None:
    """After the third death the search goes past it."""
    for _ in range(DEATHS):
        gone = board()
        gone.name = DEAD
        assert gone.take(0, 0, drawn()) is not None
        board().look()
    (trial,) = board().look().values()
    assert (trial.state, trial.user_attrs["error"]) == (
        TrialState.FAIL, "its process died 3 times",
    )  # fmt: skip


def test_a_worker_elsewhere_is_dead_when_it_is_not_heard_of(board: Callable[[], Board]) -> None:
    """By the looking process's own clock, and only if no heartbeat came meanwhile."""
    far, here = board(), board()
    far.name = FAR
    time = 0.0
    here.clock = lambda: time
    trial = far.take(0, 0, drawn())
    assert trial is not None
    assert here.look()
    time = UNHEARD_SECONDS - 1
    far.beat(trial, 1)
    assert here.look()
    time = 2 * UNHEARD_SECONDS - 2
    assert here.look()
    time = 2 * UNHEARD_SECONDS
    assert here.look() == {}
    far.beat(trial, 2)  # too late, and no error


def test_orders_are_read_by_others_until_they_are_withdrawn(board: Callable[[], Board]) -> None:
    """An order stands under its search's name; those of dead searches of this machine do not."""
    one, two = board(), board()
    one.announce(Order(stage=0, slots=range(12), until=5.0))
    assert two.orders() == {one.name: Order(stage=0, slots=range(12), until=5.0)}
    one.announce(Order(stage=1, slots=(4, 2)))
    assert two.orders() == {one.name: Order(stage=1, slots=(4, 2))}
    two.name = DEAD
    two.announce(Order(stage=0, slots=range(3)))
    one.announce(None)
    assert board().orders() == {}
