"""The rows on which two versions can be held against each other: the gate's own, for both alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from lifecycle.metrics import Labels
from lifecycle.task import Task
from lifecycle.version_files import redefined
from training.promotion.evidence import Contender, earned
from training.promotion.labels import aligned, places, rarest
from training.promotion.paired import Pair
from training.promotion.unseen import after, overlap


@dataclass(frozen=True, kw_only=True)
class Common:
    """Later rows of customers whom neither version knew, with what both say of them.

    Attributes:
        frame: the rows, with the features of today.
        pair: the first version as champion, the second as challenger.
        classes: what the columns of the probabilities mean: those of either version.
        rarest: rows of the rarest class.
        notes: what a reader must know of them.
    """

    frame: pd.DataFrame
    pair: Pair
    classes: tuple[str, ...]
    rarest: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class NoRows:
    """There are no rows that both can be judged on."""

    problem: str


def common_rows(
    task: Task,
    frame: pd.DataFrame,
    first: Contender,
    second: Contender,
    definitions: Mapping[str, str],
) -> Common | NoRows:
    """Rows that neither has seen, scored by both.

    Args:
        task: as the data set asks it today.
        frame: labelled moments with features, as `TrainingSet.frame`.
        first: one version.
        second: the other; differences are its less the first's.
        definitions: of the frame's features, as `TrainingSet.definitions`.
    """
    both = [first, second]
    if lacking := [text for one in both if (text := missing(one, frame))]:
        return NoRows(f"Features that are no longer computed: {'; '.join(lacking)}.")
    rows = frame[after(frame, both)]
    if rows.empty:
        return NoRows("No labelled row comes after both versions.")
    if seen := overlap(rows, both):
        return NoRows(
            f"{seen:,} of {len(rows):,} later rows were in a training or calibration set."
        )
    classes = tuple(dict.fromkeys([*first.scorer.classes, *second.scorer.classes]))
    labels = places(rows["label"], classes)
    known = labels >= 0
    if not known.any():
        return NoRows("Neither version has learned any class of the later rows.")
    left_out = sorted({str(label) for label in rows["label"][~known]})
    rows, labels = rows[known], labels[known]
    theirs, ours = (aligned(one.scorer.score(rows), one.scorer.classes, classes) for one in both)
    mine = earned(task.costs, second, labels, ours)
    other = earned(task.costs, first, labels, theirs)
    pair = Pair(
        kind=task.kind,
        labels=labels,
        challenger=ours,
        champion=theirs,
        customers=rows["customer_id"],
        by_row={name: (money, other[name]) for name, money in mine.items()},
    )
    notes = [*redefinitions(both, definitions), *unlearned(both, classes, labels)]
    if left_out:
        notes.append(
            f"{int((~known).sum()):,} later rows are of a class that neither version has learned "
            f"and are left out: {', '.join(left_out)}."
        )
    fewest = rarest(labels, len(classes))
    return Common(
        frame=rows, pair=pair, classes=classes, rarest=fewest,
        notes=(*notes, *too_few(task, len(rows), fewest)),
    )  # fmt: skip


def missing(one: Contender, frame: pd.DataFrame) -> str:
    """Which features it needs and does not get; empty: none."""
    names = [name for name, _ in one.scorer.features if name not in frame.columns]
    return f"version {one.number} needs {', '.join(names)}" if names else ""


def redefinitions(both: list[Contender], today: Mapping[str, str]) -> Iterator[str]:
    """Features that mean something else today than the version learned."""
    for one in both:
        if other := redefined(one.facts.get("definitions", {}), today):
            yield (
                f"Version {one.number} learned other definitions than today's of "
                f"{', '.join(other)}; it is measured on today's, on which it would have to serve."
            )


def unlearned(both: list[Contender], classes: tuple[str, ...], labels: Labels) -> Iterator[str]:
    """Classes of the other that a version never learned."""
    for one in both:
        for place, name in enumerate(classes):
            if name not in one.scorer.classes:
                yield (
                    f"Version {one.number} never learned {name} "
                    f"({int((labels == place).sum()):,} of these rows) and gives it no chance."
                )


def too_few(task: Task, rows: int, fewest: int) -> Iterator[str]:
    """Fewer rows than the gate would judge on."""
    asked = ((rows, task.gate.least_rows, "rows"),
             (fewest, task.gate.least_positives, "rows of the rarest class"))  # fmt: skip
    for there, least, what in asked:
        if there < least:
            yield f"Only {there:,} {what} neither has seen; the gate asks {least:,}."
