"""Measures a challenger, and the champion beside it, on rows that neither has seen.

Which rows those are, and how it is proved, `training.promotion.unseen` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.gate import Evidence, NotWorse
from lifecycle.metrics import Labels, measure
from lifecycle.row_keys import Keys
from lifecycle.task import Task
from lifecycle.version_files import redefined
from training.model import Matrix, Scorer
from training.promotion.paired import Pair, difference
from training.promotion.unseen import after, overlap

MOST_UNLEARNED = 0.01


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A version as the comparison needs it.

    Attributes:
        keys: of the rows it was trained and calibrated on.
    """

    number: int
    scorer: Scorer
    keys: Keys

    @property
    def facts(self) -> Any:
        return self.scorer.facts


def evidence(
    task: Task,
    frame: pd.DataFrame,
    challenger: Contender,
    champion: Contender | None,
    definitions: Mapping[str, str] | None = None,
) -> Evidence:
    """What can be said about the challenger on unseen rows of the frame.

    Args:
        task: its gate names what is compared.
        frame: labelled moments with features, as `training.trainingset.TrainingSet.frame`.
        challenger: the version to be judged.
        champion: the one it would replace; None when there is none. It is compared on today's
            features even where they mean something else than it learned: it would have to
            serve on them, and nothing could ever replace it otherwise.
        definitions: of today's features, as `TrainingSet.definitions`.
    """
    if other := redefined(challenger.facts.get("definitions", {}), definitions or {}):
        return nothing(
            f"version {challenger.number} learned other features than today's; defined otherwise "
            f"since: {', '.join(other)}. Train again."
        )
    contenders = [challenger] if champion is None else [challenger, champion]
    absent = {
        f"version {one.number} needs {', '.join(missing)}"
        for one in contenders
        if (missing := [name for name, _ in one.scorer.features if name not in frame.columns])
    }
    if absent:
        return nothing(f"features that are no longer computed: {'; '.join(sorted(absent))}.")
    rows = frame[after(frame, contenders)]
    if rows.empty:
        return nothing("no labelled row comes after both models.")
    classes = challenger.scorer.classes
    labels = places(rows["label"], classes)
    known = labels >= 0
    if known.mean() < 1 - MOST_UNLEARNED:
        strange = ", ".join(sorted({str(label) for label in rows["label"][~known]}))
        return nothing(f"{(~known).sum()} rows have a class it never learned: {strange}.")
    rows, labels = rows[known], labels[known]
    probabilities = challenger.scorer.score(rows)
    differences = None
    if champion is not None:
        pair = Pair(
            kind=task.kind,
            labels=labels,
            challenger=probabilities,
            champion=aligned(champion.scorer.score(rows), champion.scorer.classes, classes),
            customers=rows["customer_id"],
        )
        asked = [rule.metric for rule in task.gate.rules if isinstance(rule, NotWorse)]
        differences = {name: difference(pair, name) for name in asked}
    return Evidence(
        rows=len(rows),
        positives=rarest(labels, len(classes)),
        seen=overlap(rows, contenders),
        metrics=measure(task.kind, labels, probabilities),
        differences=differences,
    )


def nothing(problem: str) -> Evidence:
    return Evidence(rows=0, positives=0, seen=0, metrics={}, differences={}, problem=problem)


def places(labels: pd.Series[Any], classes: tuple[str, ...]) -> Labels:
    """Class index of each label; −1 where the model has no such class."""
    if labels.dtype == bool:
        return labels.to_numpy().astype(np.int64)
    known = {name: place for place, name in enumerate(classes)}
    return np.array([known.get(str(label), -1) for label in labels], dtype=np.int64)


def aligned(probabilities: Matrix, own: tuple[str, ...], wanted: tuple[str, ...]) -> Matrix:
    """Columns in another model's order; a class it never learned has probability 0."""
    place = {name: i for i, name in enumerate(own)}
    columns = [
        probabilities[:, place[name]] if name in place else np.zeros(len(probabilities))
        for name in wanted
    ]
    return np.column_stack(columns)


def rarest(labels: Labels, classes: int) -> int:
    """Rows of the rarest class: for two classes the smaller; for more, of those that occur."""
    counts = np.bincount(labels, minlength=classes)
    occurring = counts if classes == 2 else counts[counts > 0]  # noqa: PLR2004  # binary
    return int(occurring.min()) if len(occurring) else 0
