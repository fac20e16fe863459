"""Due jobs are opened from what registry, ledger and jobs say, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from lifecycle.home import Home
from lifecycle.jobs import Jobs
from lifecycle.ledger import Entry, Ledger
from lifecycle.registry import Registry
from lifecycle.retraining import Retraining
from onramp.due import facts_of, open_due
from tests.training.promotion.world import TASK


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


def test_without_a_champion_nothing_is_due(world: Home) -> None:
    """A first model is a person's to train and to promote."""
    Registry(world).drop("champion", "churn")
    assert open_due(world, TASK, as_of=trained(world) + timedelta(days=99)) is None


def test_labels_are_counted_only_where_they_matter(world: Home) -> None:
    """The count reads every label, so nobody pays for it who did not ask."""
    now = trained(world) + timedelta(days=1)
    task = replace(TASK, retraining=Retraining(schedule="never"))
    assert facts_of(world, task, (), now).new_labels is None
