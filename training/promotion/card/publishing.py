"""Writes a version's card where people look: its description, and its run's artifacts.

It can be written again at any time, from what is recorded: after training, after each verdict.
"""

from __future__ import annotations

from lifecycle.home import Home
from lifecycle.registry import Registry, Version
from lifecycle.task import Task
from lifecycle.tracking import RunLog
from training.promotion.card.layout import Card, card
from training.promotion.card.model_page import describe_model
from training.promotion.card.recorded import recorded

MARKDOWN, HTML = "card.md", "card.html"
PROBLEM = "card.problem"  # a version's tag


def publish(home: Home, task: Task, version: Version) -> Card:
    """Write the card as the version stands now; its tags are read afresh.

    Raises:
        NotReady: one of its files is gone.
        DataError: its model cannot be read, or is not the registered one.
        MlflowException: its run is gone, or MLflow does not answer.
    """
    registry = Registry(home)
    fresh = registry.version(task.name, version.number)
    made = card(recorded(registry, task, fresh))
    files = {MARKDOWN: made.markdown().encode(), HTML: made.html().encode()}
    RunLog(registry.client, "", fresh.run_id).files(files)
    registry.describe(fresh, made.short())
    describe_model(registry, task)
    if PROBLEM in fresh.tags:
        registry.untag(fresh, [PROBLEM])
    return made


def try_to_publish(home: Home, task: Task, version: Version) -> str:
    """As `publish`, where nothing may fail for want of a card; returns why it was not written.

    The reason stands on the version, too; the next card takes it away.
    """
    try:
        publish(home, task, version)
    except Exception as error:  # noqa: BLE001  what people read must cost them neither model nor promotion
        said = f"The model card could not be written: {type(error).__name__}: {error}"
        return said + noted(home, version, said)
    return ""


def noted(home: Home, version: Version, said: str) -> str:
    """Leave the reason on the version; returns why even that could not be done."""
    try:
        Registry(home).tag(version, {PROBLEM: said})
    except Exception as error:  # noqa: BLE001  as above: MLflow itself may be what is gone
        return f" ({type(error).__name__}: {error})"
    return ""
