"""What a training tells people beyond its metrics, each part by the module that measures it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lifecycle.task import Task
from training.boosters import Fitted
from training.canaries import canary_section
from training.decisions import Context, decision_section
from training.ensemble.choose import Final
from training.ensemble.fits import Ground, fold_fits, side_by_side
from training.ensemble.told import choice_section
from training.explain import explanation_section
from training.model import Matrix, Scorer
from training.parts import Prepared
from training.report.section import Section


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What the sections read.

    Attributes:
        ground: all training rows, with the folds that candidates were scored on.
        probabilities: of the test rows, shape (rows, classes).
        rivals: baseline → its probabilities of the same rows.
    """

    task: Task
    prepared: Prepared
    ground: Ground
    final: Final
    scorer: Scorer
    probabilities: Matrix
    rivals: Mapping[str, Matrix]
    seed: int


def sections_of(trained: Trained) -> tuple[Section, ...]:
    """In the order in which they are read."""
    task, prepared, best = trained.task, trained.prepared, trained.final.best
    tested = len(prepared.test.labels) > 0
    return (
        decision_section(
            task, prepared.test.labels, trained.probabilities, trained.scorer.threshold,
            judged_rows(trained),
        ),
        explanation_section(
            trained.scorer, prepared.test.matrix if tested else prepared.train.matrix,
            fold_boosters(trained), trained.seed,
        ),
        choice_section(task.metric, trained.final),
        canary_section(
            task.kind, trained.ground.problem, best, prepared.entities, prepared.encoder.names,
            trained.seed,
        ),
    )  # fmt: skip


def judged_rows(trained: Trained) -> Context:
    """What decisions are told of the test rows."""
    prepared = trained.prepared
    names = prepared.data.frame["customer_id"].iloc[prepared.test.positions]
    return Context(
        entities=names.to_numpy(dtype=object),
        classes=prepared.classes,
        rivals=trained.rivals,
        seed=trained.seed,
    )


def fold_boosters(trained: Trained) -> Sequence[Fitted]:
    """The heaviest member's boosters, one a fold: how much its view depends on the rows."""
    best, ground = trained.final.best, trained.ground
    return side_by_side(ground, [(best, fit) for fit in fold_fits(ground, best)])
