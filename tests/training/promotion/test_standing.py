"""A champion that is lost is not one that never was: the gate stays shut, and the way back open."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest

from lifecycle.home import Home
from lifecycle.jobs import Jobs
from lifecycle.registry import Registry
from tests.training.promotion.damages import champion_deleted, champion_of_nothing, sql
from tests.training.promotion.world import FRAME, TASK, TODAY, asked, took_over
from training.promotion.approval import approve_by
from training.promotion.move import Decided
from training.promotion.promote import promote_on
from training.promotion.rollback import rollback
from training.promotion.standing import standing


def files_gone(home: Home) -> None:
    registry = Registry(home)
    shutil.rmtree(registry.place(registry.version("churn", 2)))
    sql(
        home.root / "mlflow.db",
        "UPDATE model_versions SET source = '/gone', storage_location = '/gone' WHERE version = 2",
    )


LOSSES = (champion_deleted, champion_of_nothing, files_gone)


@pytest.fixture(params=LOSSES, ids=[loss.__name__ for loss in LOSSES])
def bereft(world: Home, request: pytest.FixtureRequest) -> Home:
    """Version 2 was champion after 1, and is lost in one way or another."""
    took_over(world)
    loss: Callable[[Home], None] = request.param
    loss(world)
    return world


def test_nobody_is_promoted_by_the_floors_alone(bereft: Home) -> None:
    """Cannot judge, said why, and no alias moved: there is no champion to hold it against."""
    before = Registry(bereft).aliases("churn")
    report = promote_on(bereft, TASK, lambda: FRAME, version=3, actor="ann")
    assert (report.decision, report.changed) == ("cannot judge", False)
    assert "first model" not in {finding.rule for finding in report.verdict.findings}
    words = next(f.words for f in report.verdict.findings if f.rule == "measured")
    assert "the champion is lost" in words or "cannot be fetched" in words
    assert Registry(bereft).aliases("churn") == before


def test_the_way_back_is_open_and_so_is_the_gate_after_it(bereft: Home) -> None:
    """To `previous`, which names nobody then that is not there; the next version is judged."""
    there = standing(bereft, Registry(bereft), "churn").champion is not None
    report = rollback(bereft, "churn", actor="ann")
    assert (report.changed, report.version) == (True, 1)
    aliases = Registry(bereft).aliases("churn")
    assert (aliases["champion"], aliases.get("previous")) == (1, 2 if there else None)
    promoted = promote_on(bereft, TASK, lambda: FRAME, version=3, actor="ann")
    assert (promoted.changed, promoted.previous) == (True, 1)


def test_back_to_a_named_version(bereft: Home) -> None:
    """`previous` stays whoever it was where the champion that would follow it is not there."""
    there = standing(bereft, Registry(bereft), "churn").champion is not None
    assert rollback(bereft, "churn", to=3, actor="ann").changed
    aliases = Registry(bereft).aliases("churn")
    assert (aliases["champion"], aliases["previous"]) == (3, 2 if there else 1)


def test_a_person_cannot_approve_beside_nobody(world: Home) -> None:
    """The verdict was of another pair: judged again, and that cannot be done."""
    asked(world)
    Registry(world).client.delete_model_version("churn", "1")
    task = replace(TASK, approval="required")
    said = Decided(decision="approve", actor="ann", why="fine")
    report = approve_by(world, task, TODAY, version=2, said=said)
    assert (report.decision, report.changed) == ("cannot judge", False)
    assert "champion" not in Registry(world).aliases("churn")
    assert Jobs(world).read()[0].state == "undecided"
