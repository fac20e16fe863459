"""A rollback: at once, without training, and only to what can be served."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from lifecycle.errors import Busy, DataError, NotReady, Refused, UnknownName
from lifecycle.home import Home
from lifecycle.ledger import Entry, Ledger
from lifecycle.registry import Registry
from lifecycle.version_files import FILES
from tests.resealed import reseal
from tests.training.promotion.world import FRAME, TASK, agree, decisions, took_over
from training.promotion.promote import promote_on
from training.promotion.rollback import rollback


def test_back_and_forth(world: Home) -> None:
    """By default to the champion before; said twice, the second takes the first back."""
    took_over(world)
    runs = len(Registry(world).versions("churn"))
    first = rollback(world, "churn", actor="ann", because="complaints")
    assert (first.changed, first.version, first.previous, first.row) == (True, 1, 2, 3)
    assert agree(world) == (1, 2, None)
    newest = Ledger(world).read("churn", newest=1)[0]
    assert (newest.actor, newest.decision, newest.why) == ("ann", "roll back", "complaints")
    second = rollback(world, "churn", actor="bob")
    assert second.version == 2
    assert min(first.seconds, second.seconds) < 1.0  # a machine may stall in the one
    assert agree(world) == (2, 1, None)
    assert len(Registry(world).versions("churn")) == runs
    assert first.lines()[0].startswith("churn: rolled back from version 2 to version 1; the al")


def test_to_a_named_version(world: Home) -> None:
    """Further back, or forward; to the champion itself there is nothing to do, and no row."""
    took_over(world)
    assert rollback(world, "churn", to=3, actor="ann").previous == 2
    assert agree(world) == (3, 2, None)
    again = rollback(world, "churn", to=3, actor="ann")
    assert (again.changed, again.row) == (False, None)
    assert "nothing to do" in again.lines()[0]
    assert len(decisions(world)) == 3
    with pytest.raises(UnknownName, match=r"'9'.*1, 2, 3"):
        rollback(world, "churn", to=9, actor="ann")


def test_nothing_to_roll_back_to(world: Home) -> None:
    """The first champion has nobody before it: the error names what could be named."""
    with pytest.raises(NotReady, match=r"Nothing to roll back churn to.*--to; there are 3, 2"):
        rollback(world, "churn", actor="ann")
    Registry(world).drop("champion", "churn")
    with pytest.raises(NotReady, match=r"The champion that is lost was its first.*3, 2, 1"):
        rollback(world, "churn", actor="ann")
    assert len(decisions(world)) == 1
    world.platform.unlink()
    for to in (None, 3):
        with pytest.raises(NotReady, match="No champion for churn"):
            rollback(world, "churn", to=to, actor="ann")


@pytest.mark.parametrize("fault", ["changed byte", "other answers"])
def test_what_cannot_be_served_is_not_gone_back_to(world: Home, fault: str) -> None:
    """Changed files, or other predictions than the recorded ones: an error, and nothing moved."""
    took_over(world)
    registry = Registry(world)
    target = registry.version("churn", 1)
    recorded = registry.folder(target) / FILES / "reference.parquet"
    frame = pd.read_parquet(recorded)
    frame.assign(prediction=frame["prediction"] + 0.01).to_parquet(recorded)
    if fault == "other answers":
        reseal(registry, target)
    words = "recorded predictions" if fault == "other answers" else "reference.parquet"
    with pytest.raises(DataError, match=words):
        rollback(world, "churn", actor="ann")
    assert agree(world) == (2, 1, None)
    assert len(decisions(world)) == 2


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process writes and does not end; MLflow, which would wait 20 s, waits less."""

    def impatient(*given: Any) -> tuple[str, Any]:
        return given[2].replace("busy_timeout = 20000", "busy_timeout = 50"), given[3]

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        event.listen(Engine, "before_cursor_execute", impatient, retval=True)
        try:
            yield
        finally:
            event.remove(Engine, "before_cursor_execute", impatient)


def test_while_mlflows_database_is_locked_nothing_moves(world: Home) -> None:
    """Really locked: Busy, no row, no alias; and when it is free, the same command does it."""
    took_over(world)
    with (
        locked(world.root / "mlflow.db"),
        pytest.raises(Busy, match="MLflow's database is locked"),
    ):
        rollback(world, "churn", actor="ann")
    assert agree(world) == (2, 1, None)
    assert len(decisions(world)) == 2
    assert rollback(world, "churn", actor="ann").changed
    assert agree(world) == (1, 2, None)


def test_a_monitors_advice_hides_no_rollback(world: Home) -> None:
    """Its "roll back" about whoever serves is no change of champion: the version stays refused."""
    rollback(world, "churn", to=3, actor="ann")
    rollback(world, "churn", actor="ann")
    advice = Entry(actor="monitor", task="churn", decision="roll back", why="worse", version="1")
    Ledger(world).append(advice)
    with pytest.raises(Refused, match=r"rolled back from.*version 3"):
        promote_on(world, TASK, lambda: FRAME, actor="cron")


def test_what_was_rolled_back_from_is_not_promoted_unasked(world: Home) -> None:
    """The night's `onramp promote churn` does not undo a person's rollback; naming it does."""
    rollback(world, "churn", to=3, actor="ann")
    rollback(world, "churn", actor="ann")
    with pytest.raises(Refused, match=r"rolled back from.*version 3.*--version 3"):
        promote_on(world, TASK, lambda: FRAME, actor="cron")
    assert agree(world)[0] == 1
    assert promote_on(world, TASK, lambda: FRAME, version=3, actor="ann").changed
    assert agree(world)[0] == 3
