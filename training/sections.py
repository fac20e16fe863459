"""What a training tells people beyond its metrics, each part by the module that measures it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lifecycle.task import Task
from training.boosters import Fitted
from training.canaries import canary_section
from training.ensemble.choose import Final
from training.folds import Problem
from training.model import Matrix, Scorer
from training.parts import Prepared
from training.report.section import Section


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What the sections read.

    Attributes:
        problem: of all training rows, with the folds that candidates were scored on.
        boosters: of the heaviest member.
        probabilities: of the test rows, shape (rows, classes).
    """

    task: Task
    prepared: Prepared
    problem: Problem
    final: Final
    scorer: Scorer
    boosters: Sequence[Fitted]
    probabilities: Matrix
    seed: int


def sections_of(trained: Trained) -> tuple[Section, ...]:
    """In the order in which they are read."""
    prepared, best = trained.prepared, trained.final.best
    return (
        canary_section(
            trained.task.kind, trained.problem, best, prepared.entities, prepared.encoder.names,
            trained.seed,
        ),
    )  # fmt: skip
