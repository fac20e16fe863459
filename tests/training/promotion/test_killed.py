"""`kill -9` at every step of a promotion, an approval and a rollback, in processes of their own."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from lifecycle.home import Home
from lifecycle.jobs import Jobs
from lifecycle.registry import Registry
from tests.training.promotion.doomed import Doomed, Order
from tests.training.promotion.world import agree, asked, decisions, took_over
from training.promotion.awaiting import awaiting
from training.promotion.move import settle

KILLED = [-signal.SIGKILL]
# step → whether the champion has moved when it is reached
MOVE = {
    "the move is written down": False,
    "previous moves": False,
    "champion moves": False,
    "the challenger goes": True,
    "it is told": True,
    "the move is done": True,
    "the row is committed": True,
    "the report": True,
}


def order(home: Home, verb: str, **given: Any) -> Order:
    return Order(root=str(home.root), verb=verb, **given)


def settled(home: Home) -> None:
    """What `onramp status` does first."""
    settle(home, Registry(home), "churn")


@pytest.mark.parametrize("step", ["the verdict", *MOVE])
def test_a_promotion_killed_at_any_step(world: Home, doomed: Doomed, step: str) -> None:
    """Settled, it went through whole or not at all; said again, it ends the same, in one row."""
    first = ("promote", None, "1")
    assert doomed.run(order(world, "promote", version=2, step=step)) == KILLED
    settled(world)
    moved = MOVE.get(step, False)
    assert agree(world) == ((2, 1, None) if moved else (1, None, 2))
    assert decisions(world) == [first, ("promote", "1", "2")][: 2 if moved else 1]
    assert doomed.run(order(world, "promote", version=2)) == [0]
    assert agree(world) == (2, 1, None)
    assert decisions(world) == [first, ("promote", "1", "2")]


@pytest.mark.parametrize(
    "step", ["the move is written down", "champion moves", "it is told", "the row is committed"]
)
def test_a_rollback_killed_at_any_step(world: Home, doomed: Doomed, step: str) -> None:
    """The same, back from 2 to 1, where `previous` and `champion` change places.

    From the move on it is the promotion's own way; these are the steps that leave other aliases.
    """
    took_over(world)
    assert doomed.run(order(world, "rollback", step=step)) == KILLED
    settled(world)
    assert agree(world) == ((1, 2, None) if MOVE[step] else (2, 1, None))
    assert decisions(world)[2:] == [("roll back", "2", "1")][: 1 if MOVE[step] else 0]


@pytest.mark.parametrize("step", ["champion moves", "the row is committed"])
def test_an_approval_killed_at_any_step(world: Home, doomed: Doomed, step: str) -> None:
    """Killed before, the version and its job still wait; killed after, neither does."""
    asked(world)
    assert doomed.run(order(world, "approve", step=step)) == KILLED
    settled(world)
    moved = MOVE[step]
    assert agree(world)[:2] == ((2, 1) if moved else (1, None))
    assert list(awaiting(world, "churn")) == ([] if moved else [2])
    assert Jobs(world).read()[0].state == ("promoted" if moved else "awaiting approval")


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(
    world: Home, doomed: Doomed
) -> None:
    """Two processes, one version: one change, one row, and the second says whose it was."""
    actors = ("ann", "bob")
    assert doomed.run(*(order(world, "promote", version=2, actor=who) for who in actors)) == [0, 0]
    reports = {who: json.loads((world.root / f"{who}.json").read_text()) for who in actors}
    (winner,) = [who for who in actors if reports[who]["changed"]]
    (loser,) = set(actors) - {winner}
    assert f"already (promote by {winner}, ledger row 2)" in reports[loser]["lines"][1]
    assert decisions(world)[1:] == [("promote", "1", "2")]
    assert agree(world) == (2, 1, None)


def test_a_rollback_and_a_promotion_at_once_take_turns(world: Home, doomed: Doomed) -> None:
    """Whichever comes first, each acts on what the other left."""
    took_over(world)
    orders = (
        order(world, "rollback", actor="ann"),
        order(world, "promote", version=3, actor="bob"),
    )
    assert doomed.run(*orders) == [0, 0]
    assert agree(world)[0] in {3, 2}
    rows = decisions(world)[2:]
    assert rows in (
        [("roll back", "2", "1"), ("promote", "1", "3")],
        [("promote", "2", "3"), ("roll back", "3", "2")],
    )
