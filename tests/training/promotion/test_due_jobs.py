"""Due jobs are opened from what registry, ledger and jobs say, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd

from lifecycle.event_store import EventStore, Part
from lifecycle.home import Home
from lifecycle.jobs import Jobs
from lifecycle.ledger import Entry, Ledger
from lifecycle.registry import Registry
from lifecycle.retraining import Retraining
from onramp.due import facts_of, open_due
from tests.training.promotion.world import TASK

TOML = """
name = "toy"
title = "A toy"
source = "made up"
clock = "data"

[vocabulary]
events = ["login"]
"""


def trained(home: Home) -> datetime:
    return datetime.fromisoformat(Registry(home).version("churn", 1).tags["as_of"])


def test_a_model_that_is_too_old_is_trained_again(world: Home) -> None:
    """Opened once, with the reason in the ledger; on broken data not at all."""
    now = trained(world) + timedelta(days=7)
    assert open_due(world, TASK, as_of=now - timedelta(minutes=1)) is None
    broken = Entry(actor="monitor", task="churn", decision="broken data", why="cents",
                   version="1", evidence={"as_of": now.isoformat()})  # fmt: skip
    Ledger(world).append(broken)
    assert open_due(world, TASK, as_of=now) is None
    Ledger(world).append(replace(broken, decision="ignore"))
    opened = open_due(world, TASK, as_of=now)
    assert opened is not None
    assert open_due(world, TASK, as_of=now) is None
    (job,) = Jobs(world).read("churn")
    assert (job.id, job.trigger, job.why) == (opened.job.id, "schedule", opened.due.why)
    row = Ledger(world).read("churn", newest=1)[0]
    assert (row.actor, row.decision, row.why) == ("schedule", "retrain", job.why)
    assert row.evidence["trigger"] == "schedule"


def test_a_verdict_that_found_a_job_open_is_asked_for_later(world: Home) -> None:
    """By its own name, as monitoring's, without a second row; not once another version serves."""
    now = trained(world) + timedelta(days=1)
    said = Entry(actor="monitor", task="churn", decision="retrain", why="off by 0.2", version="1",
                 evidence={"as_of": now.isoformat(), "trigger": "drift"})  # fmt: skip
    Ledger(world).append(said)
    registry = Registry(world)
    registry.point("champion", registry.version("churn", 2))
    assert open_due(world, TASK, as_of=now) is None
    registry.point("champion", registry.version("churn", 1))
    opened = open_due(world, TASK, as_of=now)
    assert opened is not None
    assert (opened.job.trigger, opened.job.requested_by) == ("drift", "monitor")
    assert Ledger(world).read("churn", newest=1)[0].decision == "retrain"
    assert len(Ledger(world).read("churn")) == 2


def test_without_a_champion_nothing_is_due(world: Home) -> None:
    """A first model is a person's to train and to promote."""
    Registry(world).drop("champion", "churn")
    assert open_due(world, TASK, as_of=trained(world) + timedelta(days=99)) is None


def test_enough_new_labels_open_a_job(world: Home) -> None:
    """Counted in the event store: two that a silent pipe had held back, three that ripened since.

    A label needs a moment a day after sign-up, and the seven days of its horizon.
    """
    then = trained(world)
    now = then + timedelta(days=1)
    ripe_at = [*[then - timedelta(hours=12)] * 2, *[then + timedelta(hours=12)] * 3]
    signed_up = [then - timedelta(days=30), *(end - timedelta(days=8) for end in ripe_at)]
    happen(world, signed_up, pulse=[then - timedelta(days=1), now])
    task = replace(TASK, retraining=Retraining(schedule="never", new_labels=6))
    assert facts_of(world, task, (), now).new_labels == 5
    assert open_due(world, task, as_of=now) is None
    opened = open_due(
        world, replace(TASK, retraining=Retraining(schedule="never", new_labels=5)), as_of=now
    )
    assert opened is not None
    assert (opened.job.trigger, opened.due.why[:8]) == ("labels", "5 labels")


def happen(home: Home, signed_up: Sequence[datetime], pulse: Sequence[datetime]) -> None:
    """Customers sign up; the first of them logs in, and so it is known what came until then."""
    home.dataset_file.write_text(TOML)
    names = [f"c{n}" for n in range(len(signed_up))]
    parts = {
        "customers": pd.DataFrame(
            {"customer_id": names, "signed_up_at": signed_up, "received_at": signed_up}
        ),
        "events": pd.DataFrame(
            {"event_id": [f"e{n}" for n in range(len(pulse))], "customer_id": names[0],
             "occurred_at": pulse, "received_at": pulse, "event": "login"}
        ),
    }  # fmt: skip
    for name, part in parts.items():
        part.to_parquet(home.root / f"{name}.parquet", index=False)
    EventStore(home).commit(
        (), [Part(path=f"{name}.parquet", holds=name, rows=len(part))
             for name, part in parts.items()],
    )  # fmt: skip


def test_labels_are_counted_only_where_they_matter(world: Home) -> None:
    """The count reads every label, so nobody pays for it who did not ask."""
    now = trained(world) + timedelta(days=1)
    task = replace(TASK, retraining=Retraining(schedule="never"))
    assert facts_of(world, task, (), now).new_labels is None
