"""Three versions of one training, and a gate that lets each of them pass."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import mlflow.store.model_registry.sqlalchemy_store as model_registry
import mlflow.store.tracking.sqlalchemy_store as tracking

from lifecycle.gate import AtLeast, Gate
from lifecycle.home import Home, open_home
from lifecycle.job import Job
from lifecycle.jobs import Jobs
from lifecycle.ledger import Entry, Ledger
from lifecycle.moves import Moves
from lifecycle.registry import Registry
from tests.at_the_gate import at_the_gate
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


def put_back(original: Home, root: Path) -> Home:
    """The world as it was made, always in the same place.

    MLflow opens a store once a process and address, and looks through all its migrations then:
    most of what a test would cost.
    """
    home = open_home(root)
    hang_up(home)
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(original.root, root)
    return home


def call(home: Home) -> None:
    """Have MLflow open its store now, and keep no connection to a file that will be replaced."""
    Registry(home).aliases("churn")
    hang_up(home)


def hang_up(home: Home) -> None:
    """Close MLflow's connections to the home's database; it opens others when it needs them."""
    for store in (tracking, model_registry):
        engine = store.SqlAlchemyStore._engine_map.get(home.tracking_uri)
        if engine is not None:
            engine.dispose()


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


def took_over(home: Home) -> None:
    """Version 2 has replaced 1."""
    registry = Registry(home)
    registry.point("previous", registry.version("churn", 1))
    registry.point("champion", registry.version("churn", 2))
    registry.drop("challenger", "churn")
    Ledger(home).append(
        Entry(actor="ada", task="churn", decision="promote", why="better", version="2",
              previous="1")
    )  # fmt: skip


def asked(home: Home, version: int = 2) -> Job:
    """A job trained the version, the gate said promote beside version 1, and a person is asked."""
    job, _ = Jobs(home).request(
        "churn", why="decay", by="monitor", as_of=datetime.now(UTC), trigger="decay"
    )
    mine = at_the_gate(home, "churn", "ann", version)
    assert Jobs(home).wait(mine, version, {"words": "trained"})
    finding = {"rule": "roc_auc ≥ 0.4", "outcome": "passed", "words": "roc_auc is 0.9."}
    Ledger(home).append(
        Entry(actor=f"job {job.id}", task="churn", decision="await approval", why="better",
              version=str(version), previous="1", evidence={"findings": [finding]})
    )  # fmt: skip
    return job


def decisions(home: Home) -> list[tuple[str, str | None, str | None]]:
    """Decision, from, to: oldest first."""
    rows = reversed(Ledger(home).read("churn"))
    return [(row.decision, row.previous, row.version) for row in rows]
