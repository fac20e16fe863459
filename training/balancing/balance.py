"""Class balancing inside training folds: weights, SMOTE and its kin, under-sampling, nothing.

The rows that were there stay as they were, missing values included; what is changed is their
weight, their number, or how many synthetic ones follow them. It works on any table: neighbours
are sought in a complete space (`training.balancing.space`), and what cannot be done (a class of
a single row, nobody in danger) is left undone with the reason.

Neighbours are sought once: a `Balancer` remembers them for every (k, ratio) that follows, so
that a further draw costs its interpolation and no search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from imblearn.under_sampling import RandomUnderSampler

from lifecycle.metrics import Labels
from lifecycle.space import Balancing
from training.balancing.neighbours import Places, nearest
from training.balancing.smote import (
    WITNESSES,
    Neighbourhood,
    between,
    in_danger,
    pick,
    with_commonest,
)
from training.balancing.space import Space, nominal_unit
from training.model import Matrix

INTERPOLATING: frozenset[Balancing] = frozenset({"smote", "smotenc", "borderline"})
RESAMPLING: frozenset[Balancing] = INTERPOLATING | {"under"}
MOST_NEIGHBOURS = 15  # sought at once: the widest k of the default search
LEAST_KEPT = 50  # rows of a class that under-sampling leaves at least
PAIR = 2  # a row and a neighbour


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What to do about rare classes.

    Attributes:
        method: none, class_weight, smote, smotenc, borderline or under.
        k_neighbors: neighbours that the SMOTEs interpolate towards.
        ratio: size of a rare class against the largest, after resampling.
    """

    method: Balancing = "none"
    k_neighbors: int = 5
    ratio: float = 1.0

    @property
    def plain(self) -> Balance:
        """Equal for two that do the same: what the method does not look at is as by default."""
        if self.method in INTERPOLATING:
            return self
        ratio = self.ratio if self.method in RESAMPLING else Balance.ratio
        return Balance(method=self.method, ratio=ratio)


@dataclass(frozen=True, kw_only=True)
class Balanced:
    """Rows to fit on.

    Attributes:
        matrix: shape (rows, features): the rows as given (or those kept), then synthetic ones.
        labels: shape (rows,).
        weights: shape (rows,); None when all are one.
        synthetic: how many rows at the end are synthetic.
        dropped: how many given rows were left out.
        reason: why less was done than was asked; empty when it was all done.
    """

    matrix: Matrix
    labels: Labels
    weights: npt.NDArray[np.float64] | None = None
    synthetic: int = 0
    dropped: int = 0
    reason: str = ""

    @property
    def changed(self) -> bool:
        """Whether the class shares that a booster sees are others than those given."""
        return self.weights is not None or bool(self.synthetic or self.dropped)

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        weights = 0 if self.weights is None else self.weights.nbytes
        return self.matrix.nbytes + self.labels.nbytes + weights


def rebalance(
    matrix: Matrix, labels: Labels, category_columns: Sequence[int], balance: Balance, seed: int
) -> Balanced:
    """Balance encoded rows once; the matrix that was handed in is never changed."""
    return Balancer(matrix, labels, category_columns).balanced(balance, seed)


class Balancer:
    """The rows of one fold, to be balanced in several ways.

    An answer depends on the rows, the balance and the seed, never on what was asked before.
    """

    def __init__(self, matrix: Matrix, labels: Labels, category_columns: Sequence[int]) -> None:
        self.matrix, self.labels = matrix, labels
        self.category_columns = tuple(category_columns)
        self._near: dict[tuple[int, float, int], Places] = {}
        self._danger: dict[int, Places] = {}

    def balanced(self, balance: Balance, seed: int) -> Balanced:
        """Do what is asked, as far as the rows allow it."""
        if balance.method == "none":
            return Balanced(matrix=self.matrix, labels=self.labels)
        if balance.method == "class_weight":
            weights = class_weights(self.labels)
            return Balanced(matrix=self.matrix, labels=self.labels, weights=weights)
        if balance.method == "under":
            return cut(self.matrix, self.labels, balance.ratio, seed)
        return self._grown(balance, seed)

    def _grown(self, balance: Balance, seed: int) -> Balanced:
        """Every rare class grown to its goal, by a generator of its own."""
        targets, reasons = targets_of(self.labels, balance.ratio)
        counts = np.bincount(self.labels)
        parts, classes = [self.matrix], [self.labels]
        for one, goal in targets.items():
            hood = self.neighbourhood(one, balance)
            if not len(hood.parents):
                reasons.append(f"Class {one} has no row in danger: nothing to interpolate.")
                continue
            k, count = hood.near.shape[1], goal - int(counts[one])
            if k < balance.k_neighbors:
                reasons.append(f"k_neighbors {k}: class {one} has {counts[one]} rows.")
            parts.append(self._synthetic(hood, balance.method, count, [seed, one]))
            classes.append(np.full(count, one, dtype=self.labels.dtype))
        matrix = np.concatenate(parts) if len(parts) > 1 else self.matrix
        return Balanced(
            matrix=matrix,
            labels=np.concatenate(classes),
            synthetic=len(matrix) - len(self.matrix),
            reason=" ".join(reasons),
        )

    def _synthetic(
        self, hood: Neighbourhood, method: Balancing, count: int, seed: list[int]
    ) -> Matrix:
        rng = np.random.default_rng(seed)
        picks = pick(hood, count, rng)
        found = between(self.space, hood, picks)
        if method == "smotenc":
            return with_commonest(found, self.space, hood, picks, rng)
        return found

    @cached_property
    def space(self) -> Space:
        """Where neighbours are sought; learned of these rows alone."""
        return Space.of(self.matrix, self.category_columns)

    def neighbourhood(self, one: int, balance: Balance) -> Neighbourhood:
        """Parents of a class and their neighbours in it, cut to the k that is asked for."""
        members = np.flatnonzero(self.labels == one)
        rows = self.matrix[members]
        unit = nominal_unit(self.space, rows) if balance.method == "smotenc" else 1.0
        # always as many, or the choice among equally near ones would hang on who asked first
        most = min(max(balance.k_neighbors, MOST_NEIGHBOURS), len(members) - 1)
        near = self._nearest(one, members, unit, most)[:, : balance.k_neighbors]
        parents = np.arange(len(members))
        if balance.method == "borderline":
            parents = self._endangered(one, members)
        return Neighbourhood(rows=rows, parents=parents, near=near[parents])

    def _nearest(self, one: int, members: Places, unit: float, k: int) -> Places:
        """Places among the members of each member's k nearest of them."""
        if (one, unit, k) not in self._near:
            near = self._search(members, members, unit, k)
            self._near[one, unit, k] = np.searchsorted(members, near)
        return self._near[one, unit, k]

    def _endangered(self, one: int, members: Places) -> Places:
        """Places of the members that are in danger."""
        if one not in self._danger:
            everyone = np.arange(len(self.labels))
            near = self._search(members, everyone, 1.0, min(WITNESSES, len(everyone) - 1))
            self._danger[one] = np.flatnonzero(in_danger(self.labels, one, near))
        return self._danger[one]

    def _search(self, asked: Places, among: Places, unit: float, k: int) -> Places:
        space = self.space

        def points(rows: Places) -> Matrix:
            return space.points(self.matrix[rows], unit)

        return nearest(points, asked, among, k, space.width)


def class_weights(labels: Labels) -> npt.NDArray[np.float64]:
    """Weights that give every class the same sum, with mean one."""
    counts = np.bincount(labels)
    present = int((counts > 0).sum())
    return np.asarray(len(labels) / (present * counts[labels]), dtype=np.float64)


def targets_of(labels: Labels, ratio: float) -> tuple[dict[int, int], list[str]]:
    """Class → rows after resampling, for classes that are to grow; and why some are not."""
    counts = np.bincount(labels)
    goal = round(ratio * int(counts.max()))
    rare = {one: goal for one, count in enumerate(counts) if 0 < count < goal}
    lonely = [one for one in rare if counts[one] < PAIR]
    reasons = [] if rare else [f"Every class already has {ratio:.0%} of the largest."]
    reasons += [f"Class {one} has a single row: nothing to interpolate." for one in lonely]
    return {one: goal for one in rare if one not in lonely}, reasons


def cut(matrix: Matrix, labels: Labels, ratio: float, seed: int) -> Balanced:
    """Leave out rows of the larger classes by lot, until the rarest has its ratio to them."""
    counts = np.bincount(labels)
    rarest = int(counts[counts > 0].min())
    goal = max(round(rarest / ratio), LEAST_KEPT)
    goals = {one: goal for one, count in enumerate(counts) if count > goal}
    same = Balanced(matrix=matrix, labels=labels)
    if not goals:
        return replace(same, reason=f"No class has more than {goal} rows: nothing to leave out.")
    sampler = RandomUnderSampler(sampling_strategy=goals, random_state=seed)
    sampler.fit_resample(np.arange(len(labels))[:, None], labels)
    kept = np.sort(sampler.sample_indices_)
    short = goal > round(rarest / ratio)
    return Balanced(
        matrix=matrix[kept],
        labels=labels[kept],
        dropped=len(labels) - len(kept),
        reason=f"{goal} rows a class are kept: the rarest has {rarest}." if short else "",
    )
