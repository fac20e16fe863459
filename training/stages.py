"""The problems that a search works on: a sample of a large table first, then all of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lifecycle.space import Search
from lifecycle.task import Task
from training.boosters import Settings, bins_for, most_rounds
from training.folds import Problem
from training.model import Encoder
from training.parts import Prepared
from training.search.space import grown
from training.shuffled import shuffled_folds
from training.splits import Positions, folds
from training.subsample import sample_entities

SAMPLE_SHARE = 0.25  # of a large table: less would hide what all its rows can carry
LEAST_SAMPLE, MOST_SAMPLE = 6_000, 20_000  # rows
FEW, SOME = 15_000, 30_000  # rows up to which five, then three folds are worth their time


def stages_of(task: Task, prepared: Prepared, seed: int) -> tuple[Problem, ...]:
    """From a seeded sample of whole entities to all training rows; one stage when few."""
    rows = len(prepared.train.labels)
    sample = int(np.clip(SAMPLE_SHARE * rows, LEAST_SAMPLE, MOST_SAMPLE))
    everything = problem_of(task, prepared, np.arange(rows), seed)
    if rows <= 2 * sample:
        return (everything,)
    chosen = sample_entities(prepared.entities, sample, seed)
    return (problem_of(task, prepared, chosen, seed), everything)


def problem_of(task: Task, prepared: Prepared, chosen: Positions, seed: int) -> Problem:
    """Some of the training rows, cut into folds."""
    rows = prepared.data.frame.iloc[prepared.train.positions[chosen]]
    classes = len(prepared.classes)
    count = fold_count(task, len(chosen), timed=prepared.data.timed)
    cut = folds(rows, count) if prepared.data.timed else shuffled_folds(rows, count, seed)
    return Problem(
        encoder=prepared.encoder,
        matrix=prepared.train.matrix[chosen],
        labels=prepared.train.labels[chosen],
        folds=cut,
        settings=Settings(
            classes=classes, bins=bins_for(len(chosen)), seed=seed, rounds=most_rounds(classes)
        ),
    )


def fold_count(task: Task, rows: int, *, timed: bool) -> int:
    """Many rows need few folds; forward folds are as many as the task says."""
    if rows > SOME:
        return 1
    if timed:
        return task.search.folds
    return 5 if rows <= FEW else 3


def allowed(space: Search, encoder: Encoder, rows: int) -> Search:
    """The space for this table: SMOTENC only where there are categories, larger trees for more.

    Without categories SMOTENC is SMOTE under another name.
    """
    if not encoder.category_columns:
        space = replace(space, balancing=tuple(b for b in space.balancing if b != "smotenc"))
    return grown(space, rows)
