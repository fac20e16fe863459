"""The parts of a training set, split and encoded: what every later step reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lifecycle.metrics import Labels
from lifecycle.task import Task
from training.admission import admit
from training.encode import fit_encoder
from training.model import Encoder, Matrix
from training.shuffled import shuffled_split
from training.splits import HELD_BACK, Positions, Shares, Splits, split
from training.trainingset import TrainingSet

BINARY_CLASSES = ("no", "yes")

Names = npt.NDArray[np.object_]


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
        shares: what was held back, and how far back was learned from.
    """

    data: TrainingSet
    splits: Splits
    encoder: Encoder
    classes: tuple[str, ...]
    train: Part
    calibrate: Part
    test: Part
    unlearned: int
    shares: Shares = HELD_BACK

    @property
    def entities(self) -> Names:
        """Whose each training row is, shape (rows,)."""
        names = self.data.frame["customer_id"].iloc[self.train.positions]
        return np.asarray(names, dtype=object)


def prepare_parts(
    task: Task, data: TrainingSet, shares: Shares = HELD_BACK, seed: int = 0
) -> Prepared:
    """Split and encode; the frame that was handed in is not changed.

    Args:
        task: says what the labels are.
        data: what to cut.
        shares: how much is held back.
        seed: of the cut of a table without time.

    Raises:
        DataError: columns, keys or labels are not what training needs, or too few.
    """
    data = admit(task, data)
    timed = data.timed
    splits = split(data.frame, shares) if timed else shuffled_split(data.frame, shares, seed)
    train_rows = data.frame.iloc[splits.train]
    encoder = fit_encoder(train_rows, data.features)
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
        test=part(learned["test"]), unlearned=left_out, shares=shares,
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
