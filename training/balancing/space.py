"""The complete space in which neighbours are sought, for tables that are not complete.

SMOTE measures distances, for which it needs numbers of one scale in every cell:

- numbers are filled with their median and standardised;
- a column with missing values gets a 0/1 column that says where;
- a category gets one 0/1 column a value, missing among the values, times a `unit`.

Only distances are taken here. Synthetic rows are made of the features themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.model import Matrix

LARGEST = 1e150  # its square, summed over any table, is still a float
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Space:
    """What is learned of one fold's rows; see the module.

    Attributes:
        numbers: columns of the matrix that are numbers.
        flagged: places among `numbers` that have a missing value.
        categories: columns that are categories.
        levels: values of each category, missing as the last.
        medians, means, scales: of each number.
    """

    numbers: npt.NDArray[np.int64]
    flagged: npt.NDArray[np.int64]
    categories: tuple[int, ...]
    levels: tuple[int, ...]
    medians: Matrix
    means: Matrix
    scales: Matrix

    @classmethod
    def of(cls, matrix: Matrix, category_columns: Sequence[int]) -> Space:
        """Learn medians, scales and levels; a column without a value is zero everywhere."""
        categories = tuple(category_columns)
        numbers = np.setdiff1d(np.arange(matrix.shape[1]), categories)
        values = np.clip(matrix[:, numbers], -LARGEST, LARGEST)
        missing = np.isnan(values)
        empty = missing.all(axis=0)
        medians = np.zeros(len(numbers))
        medians[~empty] = np.nanmedian(values[:, ~empty], axis=0)
        filled = np.where(missing, medians, values)
        scales = filled.std(axis=0)
        return cls(
            numbers=numbers,
            flagged=np.flatnonzero(missing.any(axis=0)),
            categories=categories,
            levels=tuple(levels_of(matrix[:, column]) for column in categories),
            medians=medians,
            means=filled.mean(axis=0),
            scales=np.where(scales > 0, scales, 1.0),
        )

    @property
    def width(self) -> int:
        """Columns of a point."""
        return len(self.numbers) + len(self.flagged) + sum(self.levels)

    def filled(self, matrix: Matrix) -> Matrix:
        """The numbers in their own units, complete; shape (rows, numbers)."""
        numbers = np.clip(matrix[:, self.numbers], -LARGEST, LARGEST)
        return np.where(np.isnan(numbers), self.medians, numbers)

    def codes(self, matrix: Matrix) -> Codes:
        """Each category's value as a level; shape (rows, categories)."""
        columns = matrix[:, list(self.categories)]
        last = np.asarray(self.levels, dtype=np.float64) - 1
        return np.where(np.isnan(columns), last, columns).astype(np.int64)

    def standardised(self, matrix: Matrix) -> Matrix:
        """The numbers, complete, with mean 0 and deviation 1 over the fold's rows."""
        return np.asarray((self.filled(matrix) - self.means) / self.scales, dtype=np.float64)

    def points(self, matrix: Matrix, unit: float) -> Matrix:
        """Rows as points, shape (rows, width); two values of a category are √2 units apart."""
        places = np.zeros((len(matrix), self.width))
        at = len(self.numbers)
        places[:, :at] = self.standardised(matrix)
        places[:, at : at + len(self.flagged)] = np.isnan(matrix[:, self.numbers[self.flagged]])
        firsts = at + len(self.flagged) + np.cumsum([0, *self.levels])[:-1]
        np.put_along_axis(places, self.codes(matrix) + firsts.astype(np.int64), unit, axis=1)
        return places


def levels_of(column: Matrix) -> int:
    """How many values a column of category codes has, and one more for missing."""
    return int(np.max(column, where=~np.isnan(column), initial=-1.0)) + 2


def nominal_unit(space: Space, rare: Matrix) -> float:
    """What a category's value measures in SMOTENC (Chawla et al. 2002, section 6.1).

    Two rows whose category differs are as far apart there as the median, over the numbers, of
    the standard deviations within the rare class; by one-hot columns, √2 units. Without numbers
    nothing can be compared with, and any unit gives the same neighbours.
    """
    if not len(space.numbers):
        return 1.0
    return float(np.median(space.standardised(rare).std(axis=0)) / np.sqrt(2))
