"""Exact nearest neighbours in bounded memory.

Brute force, because with the twenty or more columns of a training table a tree visits nearly
every row: 10,000 rows of 12 columns took scikit-learn's KD-tree 3.1 CPU s and brute force 0.6.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import NearestNeighbors

from training.model import Matrix

CELLS = 2**23  # of points at once on either side: 64 MB
TREE_WIDTH = 6  # columns up to which a KD-tree is the faster

Places = npt.NDArray[np.int64]
Points = Callable[[Places], Matrix]


def nearest(
    points: Points, asked: Places, among: Places, k: int, width: int, cells: int = CELLS
) -> Places:
    """The k nearest others of each asked row, nearest first.

    A row is never its own neighbour, also where others lie on the same point.

    Args:
        points: row numbers → points, shape (rows, width).
        asked: row numbers.
        among: row numbers of those who may be neighbours; the asked may be among them.
        k: at most one less than there are rows in `among`.
        width: columns of a point.
        cells: of points held at once on either side.

    Returns:
        Row numbers, shape (asked, k).
    """
    rows = max(k + 1, cells // max(width, 1))
    parts = [asked[start : start + rows] for start in range(0, len(asked), rows)]
    found = [nearest_of_part(points, part, among, k, rows) for part in parts]
    return np.vstack(found) if found else np.empty((0, k), dtype=np.int64)


def nearest_of_part(points: Points, part: Places, among: Places, k: int, rows: int) -> Places:
    """Go through `among` in blocks and keep the nearest so far."""
    targets = points(part)
    algorithm = "kd_tree" if targets.shape[1] <= TREE_WIDTH else "brute"
    distances, numbers = np.empty((len(part), 0)), np.empty((len(part), 0), dtype=np.int64)
    for start in range(0, len(among), rows):
        block = among[start : start + rows]
        search = NearestNeighbors(n_neighbors=min(k + 1, len(block)), algorithm=algorithm)
        near, places = search.fit(points(block)).kneighbors(targets)
        near[block[places] == part[:, None]] = np.inf  # itself
        distances = np.hstack([distances, near])
        numbers = np.hstack([numbers, block[places]])
        first = np.argsort(distances, axis=1, kind="stable")[:, : k + 1]
        distances = np.take_along_axis(distances, first, axis=1)
        numbers = np.take_along_axis(numbers, first, axis=1)
    return numbers[:, :k]
