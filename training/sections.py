"""What a training tells people beyond its metrics, each part by the module that measures it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lifecycle.task import Task
from training.balancing.ablation import ablation_section
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
    problem, seed = trained.ground.problem, trained.seed
    tested = len(prepared.test.labels) > 0
    explained = prepared.test.matrix if tested else prepared.train.matrix
    measured: dict[str, Callable[[], Section]] = {
        "decisions": lambda: decision_section(
            task, prepared.test.labels, trained.probabilities, trained.scorer.threshold,
            judged_rows(trained),
        ),
        "explanation": lambda: explanation_section(
            trained.scorer, explained, fold_boosters(trained), seed
        ),
        "choice": lambda: choice_section(task.metric, trained.final),
        "balancing": lambda: ablation_section(
            task.kind, problem, best, prepared.entities, seed
        ),
        "canaries": lambda: canary_section(
            task.kind, problem, best, prepared.entities, prepared.encoder.names, seed
        ),
    }  # fmt: skip
    return tuple(attempted(name, make) for name, make in measured.items())


def attempted(name: str, make: Callable[[], Section]) -> Section:
    """The section, or one that warns of why it is not there."""
    try:
        return make()
    except Exception as error:  # noqa: BLE001  what people read must never cost them the model
        said = f"{name.capitalize()} could not be measured: {type(error).__name__}: {error}"
        return Section(name=name, title=name.capitalize(), words=said, warnings=(said,))


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
