"""Synthetic rows between a row of a rare class and its neighbours in that class.

SMOTE and SMOTENC (Chawla et al. 2002), and Borderline-SMOTE (Han et al. 2005, its first
kind), as imbalanced-learn draws them; drawn here because its SMOTENC spends most of its time
beside the neighbour search, which is shared here and cannot be shared there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lifecycle.metrics import Labels
from training.balancing.neighbours import Places
from training.balancing.space import Codes, Space
from training.model import Matrix

HALF = 0.5
WITNESSES = 10  # neighbours of any class that say whether a row is in danger: imbalanced-learn's


@dataclass(frozen=True, kw_only=True)
class Neighbourhood:
    """A rare class: its rows, who of them may be a parent, and of whom.

    Attributes:
        rows: the class's rows, shape (rows, features).
        parents: places in `rows`, shape (parents,).
        near: places in `rows` of each parent's neighbours, nearest first, shape (parents, k).
    """

    rows: Matrix
    parents: Places
    near: Places


@dataclass(frozen=True, kw_only=True)
class Picks:
    """The random part of a draw.

    Attributes:
        parents: places in `Neighbourhood.parents`, shape (count,).
        neighbours: places among the parent's neighbours, shape (count,).
        steps: how far from the parent to the neighbour, in [0, 1), shape (count,).
    """

    parents: Places
    neighbours: Places
    steps: npt.NDArray[np.float64]


def pick(hood: Neighbourhood, count: int, rng: np.random.Generator) -> Picks:
    """Every pair of a parent and a neighbour, and every step, alike likely."""
    pairs = rng.integers(hood.near.size, size=count)
    parents, neighbours = np.divmod(pairs, hood.near.shape[1])
    return Picks(parents=parents, neighbours=neighbours, steps=rng.random(count))


def between(space: Space, hood: Neighbourhood, picks: Picks) -> Matrix:
    """The picked rows: numbers lie between both, all else is as in the nearer of the two.

    The nearer's, because that is what rounding an interpolated 0/1 column gives. Missing
    counts as a value; a number that only the farther one lacks is drawn towards the median.
    """
    parents, others = hood.parents[picks.parents], hood.near[picks.parents, picks.neighbours]
    found = hood.rows[np.where(picks.steps > HALF, others, parents)]
    complete = space.filled(hood.rows)
    start, numbers = complete[parents], complete[others]
    numbers -= start  # in place: these are the largest arrays of a draw
    numbers *= picks.steps[:, None]
    numbers += start
    if len(space.flagged):
        numbers[np.isnan(found[:, space.numbers])] = np.nan
    found[:, space.numbers] = numbers
    return found


def with_commonest(
    found: Matrix, space: Space, hood: Neighbourhood, picks: Picks, rng: np.random.Generator
) -> Matrix:
    """SMOTENC's categories into the found rows: the commonest of the neighbours, ties by lot."""
    codes = space.codes(hood.rows)
    for place, (column, levels) in enumerate(zip(space.categories, space.levels, strict=True)):
        ranked, tied = ranking(codes[:, place][hood.near], levels)
        lots = rng.integers(tied[picks.parents])
        drawn = ranked[picks.parents, lots]
        found[:, column] = np.where(drawn == levels - 1, np.nan, drawn)
    return found


def ranking(codes: Codes, levels: int) -> tuple[Codes, Codes]:
    """Levels from the commonest on, by row, and how many share the first place."""
    n = len(codes)
    flat = codes + np.arange(n)[:, None] * levels
    counts = np.bincount(flat.ravel(), minlength=n * levels).reshape(n, levels)
    tied = (counts == counts.max(axis=1, keepdims=True)).sum(axis=1)
    return np.argsort(-counts, axis=1, kind="stable"), tied


def in_danger(labels: Labels, one: int, near: Places) -> npt.NDArray[np.bool_]:
    """Rows of class `one` of whose neighbours at least half, but not all, are of others.

    Args:
        labels: of every row.
        one: the class.
        near: row numbers of each of its rows' nearest rows of any class, shape (rows, m).
    """
    others = (labels[near] != one).sum(axis=1)
    m = near.shape[1]
    return np.asarray((others >= m / 2) & (others < m))
