"""A retrain job whose training takes no time: the version is a copy of the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from lifecycle.errors import Busy
from lifecycle.gate import AtLeast, Gate
from lifecycle.home import Home
from lifecycle.job import Job
from lifecycle.registry import Registry
from lifecycle.task import Task
from onramp.retrain import JOB_TAG, Steps, retrain
from tests.training.promotion.world import TASK, TODAY
from training.promotion.promote import Moving, promote_by
from training.promotion.report import PromotionReport

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STRICT = Gate(rules=(AtLeast("roc_auc", 1.1),), least_rows=100, least_positives=20)
TASKS: Mapping[str, Task] = {
    "promoted": TASK,
    "refused": replace(TASK, gate=STRICT),
    "awaiting approval": replace(TASK, approval="required"),
}


PREPARED = "prepared.txt"


def prepare(home: Home, *_: object) -> None:
    """There is nothing to prepare; that it was asked for leaves a line."""
    with (home.root / PREPARED).open("a") as file:
        file.write("prepared\n")


def learn(home: Home, task: Task, job: Job, *_: object) -> int:
    """Register the first version once more, for the job."""
    registry = Registry(home)
    first = registry.version(task.name, 1)
    source = registry.client.get_model_version(task.name, "1")
    made = registry.client.create_model_version(
        task.name, source.source, run_id=source.run_id, model_id=source.model_id,
        tags={**first.tags, JOB_TAG: job.id},
    )  # fmt: skip
    return int(made.version)


def judge(  # as `onramp.retrain.judge`
    home: Home, task: Task, number: int, actor: str, _: datetime, moving: Moving
) -> PromotionReport:
    """The gate's word on the rows of the toy world."""
    return promote_by(home, task, TODAY, version=number, actor=actor, moving=moving)


def run(home: Home, outcome: str) -> str:
    """Work off the open job of a task whose gate ends it so; returns how it ended."""
    steps = Steps(prepare=prepare, learn=learn, judge=judge)
    try:
        return retrain(home, TASKS[outcome], as_of=NOW, steps=steps).outcome
    except Busy as error:
        return f"busy: {error}"
