"""Three versions of one training, and a gate that lets each of them pass."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lifecycle.gate import AtLeast, Gate
from lifecycle.home import Home, open_home
from lifecycle.ledger import Entry, Ledger
from lifecycle.moves import Moves
from lifecycle.registry import Registry
from tests.training.conftest import CHURN, make_frame, make_set
from training.candidate import Budget
from training.promotion.judged import Today
from training.run import train_on

TASK = replace(
    CHURN, gate=Gate(rules=(AtLeast("roc_auc", 0.4),), least_rows=100, least_positives=20)
)
FRAME = make_frame(customers=400, signal=3.0)
TODAY = Today(frames=lambda: FRAME)
LATER = "2999-01-01T00:00:00+00:00"  # what the clock said before it was set back


def make_world(home: Home) -> Home:
    """Version 1 is champion, 2 the challenger; 1's row is of a clock that was far ahead."""
    train_on(home, CHURN, make_set(FRAME), Budget(trials=1, report=False))
    registry = Registry(home)
    first = registry.version("churn", 1)
    source = registry.client.get_model_version("churn", "1")
    for _ in range(2):
        registry.client.create_model_version(
            "churn", source.source, run_id=source.run_id, tags=dict(first.tags),
            model_id=source.model_id,
        )  # fmt: skip
    registry.point("champion", first)
    registry.point("challenger", registry.version("churn", 2))
    Ledger(home).append(
        Entry(actor="ada", task="churn", decision="promote", why="first", version="1", at=LATER)
    )
    for number in (1, 2):
        registry.folder(registry.version("churn", number))
    return home


def copied(world: Home, root: Path) -> Home:
    """A world of its own for one test."""
    shutil.copytree(world.root, root)
    return open_home(root)


def agree(home: Home) -> tuple[int | None, int | None, int | None]:
    """Champion, previous and challenger, once registry and ledger are shown to agree on them."""
    aliases = Registry(home).aliases("churn")
    assert Moves(home).open("churn") is None
    ledger = Ledger(home)
    assert ledger.verify() == ()
    newest = next(row for row in ledger.read("churn") if row.decision in MOVED)
    assert newest.version == str(aliases["champion"])
    assert newest.previous == (str(aliases["previous"]) if "previous" in aliases else None)
    return aliases["champion"], aliases.get("previous"), aliases.get("challenger")


MOVED = ("promote", "approve", "roll back")
Worlds = Callable[[], Home]
