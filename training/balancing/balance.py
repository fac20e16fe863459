"""Class balancing inside training folds: weights, SMOTE, SMOTENC, or nothing.

SMOTE (Chawla et al. 2002) needs complete numbers. So that it works on any table, the neighbour
search and the interpolation happen in a derived space, and only synthetic rows come back from
it; the rows that were there stay as they were, missing values included:

- numbers are filled with their median and standardised;
- a column with missing values gets a 0/1 column that says where; a synthetic row is missing
  there when the interpolated flag is above one half, so as its nearer parent was;
- `smote` spreads categories into 0/1 columns, and a synthetic row takes the largest;
- `smotenc` hands categories to SMOTENC, which takes the neighbours' commonest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from imblearn.over_sampling import SMOTE, SMOTENC
from sklearn.neighbors import NearestNeighbors

from lifecycle.metrics import Labels
from lifecycle.space import Balancing
from training.model import Matrix

HALF = 0.5


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What to do about rare classes.

    Attributes:
        method: none, class_weight, smote or smotenc.
        k_neighbors: neighbours that SMOTE interpolates towards.
        ratio: size of a rare class after resampling, against the largest.
    """

    method: Balancing = "none"
    k_neighbors: int = 5
    ratio: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Balanced:
    """Rows to fit on.

    Attributes:
        matrix: shape (rows, features): the rows as given, then synthetic ones.
        labels: shape (rows,).
        weights: shape (rows,); None when all are one.
        synthetic: how many rows at the end are synthetic.
        reason: why less was done than was asked; empty when it was all done.
    """

    matrix: Matrix
    labels: Labels
    weights: npt.NDArray[np.float64] | None = None
    synthetic: int = 0
    reason: str = ""


def rebalance(
    matrix: Matrix, labels: Labels, category_columns: Sequence[int], balance: Balance, seed: int
) -> Balanced:
    """Balance encoded rows; the matrix that was handed in is never changed."""
    if balance.method == "none":
        return Balanced(matrix=matrix, labels=labels)
    if balance.method == "class_weight":
        return Balanced(matrix=matrix, labels=labels, weights=class_weights(labels))
    targets, reason = targets_of(labels, balance.ratio)
    if not targets:
        return Balanced(matrix=matrix, labels=labels, reason=reason)
    counts = np.bincount(labels)
    fewest = min(int(counts[one]) for one in targets)
    k = min(balance.k_neighbors, fewest - 1)
    if k < balance.k_neighbors:
        reason = f"{reason} k_neighbors {k}: the rarest class has {fewest} rows.".strip()
    space = Space.of(matrix, category_columns, one_hot=balance.method == "smote")
    synthetic, new_labels = draw(space, matrix, labels, targets, k, seed)
    return Balanced(
        matrix=np.vstack([matrix, synthetic]),
        labels=np.concatenate([labels, new_labels]),
        synthetic=len(new_labels),
        reason=reason,
    )


def class_weights(labels: Labels) -> npt.NDArray[np.float64]:
    """Weights that give every class the same sum, with mean one."""
    counts = np.bincount(labels)
    present = int((counts > 0).sum())
    return np.asarray(len(labels) / (present * counts[labels]), dtype=np.float64)


def targets_of(labels: Labels, ratio: float) -> tuple[dict[int, int], str]:
    """Class → rows after resampling, for classes that are to grow; and why some are not."""
    counts = np.bincount(labels)
    goal = round(ratio * int(counts.max()))
    rare = {one: goal for one, count in enumerate(counts) if 0 < count < goal}
    lonely = [one for one in rare if counts[one] < 2]  # noqa: PLR2004  # a row and a neighbour
    reasons = [] if rare else [f"Every class already has {ratio:.0%} of the largest."]
    reasons += [f"Class {one} has a single row: nothing to interpolate." for one in lonely]
    return {one: goal for one in rare if one not in lonely}, " ".join(reasons)


@dataclass(frozen=True, kw_only=True)
class Space:
    """The complete, standardised space in which neighbours are sought."""

    numbers: npt.NDArray[np.int64]
    flagged: npt.NDArray[np.int64]
    categories: tuple[int, ...]
    levels: tuple[int, ...]
    medians: Matrix
    means: Matrix
    scales: Matrix
    one_hot: bool

    @classmethod
    def of(cls, matrix: Matrix, category_columns: Sequence[int], *, one_hot: bool) -> Space:
        """Learn medians and scales from the rows of one fold."""
        categories = tuple(category_columns)
        numbers = np.setdiff1d(np.arange(matrix.shape[1]), categories)
        empty = np.isnan(matrix[:, numbers]).all(axis=0)
        medians = np.zeros(len(numbers))
        medians[~empty] = np.nanmedian(matrix[:, numbers[~empty]], axis=0)
        filled = np.where(np.isnan(matrix[:, numbers]), medians, matrix[:, numbers])
        scales = filled.std(axis=0)
        return cls(
            numbers=numbers,
            flagged=np.flatnonzero(np.isnan(matrix[:, numbers]).any(axis=0)),
            categories=categories,
            # one more than the known values: missing is a level of its own
            levels=tuple(int(np.nanmax(matrix[:, c], initial=-1)) + 2 for c in categories),
            medians=medians,
            means=filled.mean(axis=0),
            scales=np.where(scales > 0, scales, 1.0),
            one_hot=one_hot,
        )

    def into(self, matrix: Matrix) -> Matrix:
        """Columns: standardised numbers, missing flags, then categories."""
        numbers = matrix[:, self.numbers]
        missing = np.isnan(numbers)
        standard = (np.where(missing, self.medians, numbers) - self.means) / self.scales
        parts = [standard, missing[:, self.flagged].astype(np.float64)]
        for column, levels in zip(self.categories, self.levels, strict=True):
            codes = np.where(np.isnan(matrix[:, column]), levels - 1, matrix[:, column])
            parts.append(np.eye(levels)[codes.astype(np.int64)] if self.one_hot else codes[:, None])
        return np.hstack(parts)

    def out_of(self, points: Matrix) -> Matrix:
        """Feature rows for points of the space."""
        width = len(self.numbers)
        rows = np.full((len(points), width + len(self.categories)), np.nan)
        numbers = points[:, :width] * self.scales + self.means
        flags = points[:, width : width + len(self.flagged)]
        numbers[:, self.flagged] = np.where(flags > HALF, np.nan, numbers[:, self.flagged])
        rows[:, self.numbers] = numbers
        at = width + len(self.flagged)
        for column, levels in zip(self.categories, self.levels, strict=True):
            span = levels if self.one_hot else 1
            block = points[:, at : at + span]
            codes = block.argmax(axis=1) if self.one_hot else block[:, 0]
            rows[:, column] = np.where(codes == levels - 1, np.nan, codes)
            at += span
        return rows


class DenseNeighbours(NearestNeighbors):  # type: ignore[misc]  # scikit-learn ships no types
    """Exact neighbours on dense rows: SMOTENC's own sparse search takes twenty times as long."""

    def fit(self, points: Any, y: None = None) -> DenseNeighbours:
        super().fit(dense(points), y)
        return self

    def kneighbors(
        self, points: Any = None, n_neighbors: int | None = None, *, return_distance: bool = True
    ) -> Any:
        return super().kneighbors(dense(points), n_neighbors, return_distance)


def dense(points: Any) -> Any:
    return points.toarray() if hasattr(points, "toarray") else points


def draw(
    space: Space,
    matrix: Matrix,
    labels: Labels,
    targets: dict[int, int],
    k: int,
    seed: int,
) -> tuple[Matrix, Labels]:
    """Synthetic rows and their labels, by imbalanced-learn."""
    points = space.into(matrix)
    neighbours = DenseNeighbours(n_neighbors=k + 1, algorithm="brute")
    if space.one_hot or not space.categories:
        sampler = SMOTE(sampling_strategy=targets, k_neighbors=neighbours, random_state=seed)
    else:
        first = points.shape[1] - len(space.categories)
        sampler = SMOTENC(
            categorical_features=list(range(first, points.shape[1])),
            sampling_strategy=targets,
            k_neighbors=neighbours,
            random_state=seed,
        )
    grown, grown_labels = sampler.fit_resample(points, labels)
    return space.out_of(grown[len(matrix) :]), np.asarray(grown_labels[len(matrix) :])
