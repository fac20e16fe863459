"""`kill -9` at every step of a promotion, approval, rejection and rollback, in other processes."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from lifecycle.home import Home
from lifecycle.jobs import Jobs
from lifecycle.registry import Registry
from serving.seat import Seat
from serving.watch import Watch
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
    "the row is written and not committed": True,
    "the row is committed": True,
}
# on either side of the champion's move: what is settled is served
SERVED = ("champion moves", "the challenger goes", "it is told")


def order(home: Home, verb: str, **given: Any) -> Order:
    return Order(root=str(home.root), verb=verb, **given)


def settled(home: Home) -> None:
    """What `onramp status` does first."""
    settle(home, Registry(home), "churn")


async def unasked(_: Scope, __: Receive, ___: Send) -> None:
    """An app that nobody asks anything."""


def serves(home: Home) -> int:
    """Whom a server seats, once it has loaded the version and has seen it repeat its records."""
    seat = Seat("churn")
    Watch(Registry(home), (seat,), lambda _: unasked).look()
    assert seat.trouble == ""
    return seat.taken().champion.version


@pytest.mark.parametrize("step", ["the verdict", *MOVE])
def test_a_promotion_killed_at_any_step(world: Home, doomed: Doomed, step: str) -> None:
    """Settled, it went through whole or not at all; said again, it ends the same, in one row."""
    first = ("promote", None, "1")
    assert doomed.run(order(world, "promote", version=2, step=step)) == KILLED
    settled(world)
    moved = MOVE.get(step, False)
    assert agree(world) == ((2, 1, None) if moved else (1, None, 2))
    assert decisions(world) == [first, ("promote", "1", "2")][: 2 if moved else 1]
    if step in SERVED:
        assert serves(world) == (2 if moved else 1)
    assert doomed.run(order(world, "promote", version=2)) == [0]
    assert agree(world) == (2, 1, None)
    assert decisions(world) == [first, ("promote", "1", "2")]


@pytest.mark.parametrize("step", [step for step in MOVE if step != "the challenger goes"])
def test_a_rollback_killed_at_any_step(world: Home, doomed: Doomed, step: str) -> None:
    """The same, back from 2 to 1, which is no challenger: `previous` and `champion` change places.

    Said again where it did not happen, it does.
    """
    took_over(world)
    assert doomed.run(order(world, "rollback", step=step)) == KILLED
    settled(world)
    assert agree(world) == ((1, 2, None) if MOVE[step] else (2, 1, None))
    assert decisions(world)[2:] == [("roll back", "2", "1")][: 1 if MOVE[step] else 0]
    if step in SERVED:
        assert serves(world) == (1 if MOVE[step] else 2)


@pytest.mark.parametrize("step", [*MOVE, "the tag"])
def test_an_approval_killed_at_any_step(world: Home, doomed: Doomed, step: str) -> None:
    """Killed before, the version and its job still wait; killed after, neither does.

    Said again, it ends the same, and the version's page says so.
    """
    asked(world)
    assert doomed.run(order(world, "approve", version=2, step=step)) == KILLED
    settled(world)
    moved = MOVE.get(step, True)
    assert agree(world)[:2] == ((2, 1) if moved else (1, None))
    assert list(awaiting(world, "churn")) == ([] if moved else [2])
    assert Jobs(world).read()[0].state == ("promoted" if moved else "awaiting approval")
    assert doomed.run(order(world, "approve", version=2)) == [0]
    assert agree(world) == (2, 1, None)
    assert decisions(world)[2:] == [("approve", "1", "2")]
    tag = Registry(world).version("churn", 2).tags["approval"]
    assert tag == "approved by tester, ledger row 3"


@pytest.mark.parametrize(
    "step", ["the row is written and not committed", "the rejection is committed", "the tag"]
)
def test_a_rejection_killed_at_any_step(world: Home, doomed: Doomed, step: str) -> None:
    """It waits as long as there is no row; said again, there is one, and the page says so."""
    asked(world)
    assert doomed.run(order(world, "reject", version=2, step=step)) == KILLED
    there = step != "the row is written and not committed"
    assert list(awaiting(world, "churn")) == ([] if there else [2])
    assert Jobs(world).read()[0].state == ("refused" if there else "awaiting approval")
    assert doomed.run(order(world, "reject", version=2)) == [0]
    assert agree(world) == (1, None, 2)
    assert decisions(world)[2:] == [("reject", "1", "2")]
    assert Registry(world).version("churn", 2).tags["approval"] == "rejected by tester: no"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("champion moves", "the challenger goes"),  # here `previous`, which nobody held
        ("champion moves", "the move is undone"),
        ("the challenger goes", "the challenger goes"),
        ("the challenger goes", "it is told"),
        ("the challenger goes", "the move is done"),
        ("the challenger goes", "the row is written and not committed"),
    ],
)
def test_who_settles_is_killed_too(world: Home, doomed: Doomed, first: str, second: str) -> None:
    """The next one finishes or undoes what is left, as the first would have."""
    assert doomed.run(order(world, "promote", version=2, step=first)) == KILLED
    assert doomed.run(order(world, "settle", step=second)) == KILLED
    settled(world)
    moved = MOVE[first]
    assert agree(world) == ((2, 1, None) if moved else (1, None, 2))
    assert decisions(world)[1:] == [("promote", "1", "2")][: 1 if moved else 0]
    assert serves(world) == (2 if moved else 1)


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
