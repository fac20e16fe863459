"""The parts of a training set, split and encoded: what every later step reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.errors import DataError
from lifecycle.metrics import Labels
from lifecycle.task import Task
from training.encode import fit_encoder
from training.model import Encoder, Matrix
from training.splits import Positions, Splits, split
from training.trainingset import TrainingSet

SEARCH_ROWS = 6_000
BINARY_CLASSES = ("no", "yes")


@dataclass(frozen=True, kw_only=True)
class Part:
    """Encoded rows of one part. `positions` are those of the frame."""

    positions: Positions
    matrix: Matrix
    labels: Labels


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Encoded parts of a training set.

    Attributes:
        unlearned: rows outside training whose class no training row has; they are left out.
    """

    data: TrainingSet
    splits: Splits
    encoder: Encoder
    classes: tuple[str, ...]
    train: Part
    calibrate: Part
    test: Part
    unlearned: int


def prepare_parts(task: Task, data: TrainingSet) -> Prepared:
    """Split and encode; the frame that was handed in is not changed."""
    splits = split(data.frame)
    train_rows = data.frame.iloc[splits.train]
    encoder = fit_encoder(train_rows, data.features)
    if not data.features:
        raise DataError(
            f"The task {task.name!r} has no features.", do="Name some in its `features`."
        )
    classes = classes_of(task, train_rows["label"])
    index = class_index(task, data.frame["label"], classes)
    learned = {
        name: positions[index[positions] >= 0]
        for name, positions in (("calibrate", splits.calibrate), ("test", splits.test))
    }

    def part(positions: Positions) -> Part:
        matrix = encoder.matrix(data.frame.iloc[positions])
        return Part(positions=positions, matrix=matrix, labels=index[positions])

    left_out = len(splits.calibrate) + len(splits.test) - sum(map(len, learned.values()))
    return Prepared(
        data=data, splits=splits, encoder=encoder, classes=classes,
        train=part(splits.train), calibrate=part(learned["calibrate"]),
        test=part(learned["test"]), unlearned=left_out,
    )  # fmt: skip


def classes_of(task: Task, labels: pd.Series[Any]) -> tuple[str, ...]:
    """What the columns of the probabilities mean."""
    if task.kind == "binary":
        return BINARY_CLASSES
    return tuple(sorted({str(label) for label in labels}))


def class_index(task: Task, labels: pd.Series[Any], classes: tuple[str, ...]) -> Labels:
    """Labels as class indices; −1 for a class that is not among them."""
    if task.kind == "binary":
        return labels.astype(bool).to_numpy().astype(np.int64)
    places = {name: place for place, name in enumerate(classes)}
    return np.array([places.get(str(label), -1) for label in labels], dtype=np.int64)


def sample_customers(prepared: Prepared, seed: int) -> Positions:
    """Places in the training part of about 6,000 rows: whole customers, drawn by seed.

    A search compares candidates, for which a sample does; the winner is refitted on every row.
    """
    rows = len(prepared.train.labels)
    if rows <= SEARCH_ROWS:
        return np.arange(rows)
    customers = prepared.data.frame["customer_id"].iloc[prepared.train.positions]
    codes, names = pd.factorize(customers, sort=True)
    kept = np.random.default_rng(seed).random(len(names)) < SEARCH_ROWS / rows
    return np.flatnonzero(kept[codes])
