"""Whom to contact first: hits, lift, gain and value as the share contacted grows.

Rows are ordered by probability, the highest first. Rows of equal probability have no order of
their own, so each of them counts the mean of their labels: what a random order among them gives
on average. Gains and lift are as in Ling & Li 1998.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from lifecycle.costs import Costs
from lifecycle.metrics import Labels
from training.calibration import Entities
from training.model import Matrix

Floats = npt.NDArray[np.float64]

DECILES = 10
DRAWS = 400
CHUNK = 100
STEPS = 1_000
TAIL = 0.025


@dataclass(frozen=True, kw_only=True)
class Gains:
    """Rows from the likeliest to the least.

    Attributes:
        truth: each row's label, ties sharing their mean, shape (n,).
        said: each row's probability, shape (n,).
        order: their places in what was given, shape (n,).
    """

    truth: Floats
    said: Floats
    order: npt.NDArray[np.intp]

    @property
    def rows(self) -> int:
        return len(self.truth)

    @property
    def positives(self) -> float:
        return float(self.truth.sum())

    @property
    def shares(self) -> Floats:
        """Share contacted, from none to all, shape (n + 1,)."""
        return np.asarray(np.arange(self.rows + 1) / self.rows, dtype=np.float64)

    @property
    def gain(self) -> Floats:
        """Share of all positives reached at each share contacted, shape (n + 1,)."""
        return from_none(self.truth) / self.positives

    @property
    def lift(self) -> Floats:
        """How many times more positives than among all, at each share above none, shape (n,)."""
        return np.asarray(self.gain[1:] / self.shares[1:], dtype=np.float64)

    def contacted(self, threshold: float) -> int:
        """How many rows have at least this probability."""
        return int((self.said >= threshold).sum())

    def value(self, costs: Costs) -> Floats:
        """Money per row of all rows at each share contacted, as it came, shape (n + 1,)."""
        return from_none(costs.worth * self.truth - costs.offer) / self.rows

    def promised(self, costs: Costs) -> Floats:
        """The same as the probabilities promised it, shape (n + 1,)."""
        return from_none(costs.worth * self.said - costs.offer) / self.rows


def from_none(steps: Floats) -> Floats:
    """Running sums that begin with nothing."""
    return np.asarray(np.concatenate([[0.0], np.cumsum(steps)]), dtype=np.float64)


def gains_of(labels: Labels, probabilities: Matrix) -> Gains:
    """Order rows of a binary task by the probability of a yes; at least one row and one yes."""
    p = probabilities[:, 1]
    order = np.argsort(-p, kind="stable")
    said = p[order]
    run = np.concatenate([[0], np.cumsum(np.diff(said) != 0)])
    means = np.bincount(run, labels[order] == 1) / np.bincount(run)
    return Gains(truth=means[run], said=said, order=order)


@dataclass(frozen=True, kw_only=True)
class Decile:
    """One tenth of the rows, the likeliest tenth first.

    Attributes:
        positives: how many of its rows were a yes.
        share: of its rows.
        said: mean probability.
        lift: its share over that of all rows.
        gain: share of all positives in this tenth and those before it.
        value: money that contacting this tenth brought; None without costs.
    """

    rows: int
    positives: float
    share: float
    said: float
    lift: float
    gain: float
    value: float | None


def deciles(gains: Gains, costs: Costs | None) -> list[Decile]:
    """Ten parts of as equal size as can be; fewer where there are fewer rows."""
    reached, base = 0.0, gains.positives / gains.rows
    found = []
    for part in np.array_split(np.arange(gains.rows), min(DECILES, gains.rows)):
        hits = float(gains.truth[part].sum())
        reached += hits
        found.append(
            Decile(
                rows=len(part),
                positives=hits,
                share=hits / len(part),
                said=float(gains.said[part].mean()),
                lift=hits / len(part) / base,
                gain=reached / gains.positives,
                value=None if costs is None else costs.worth * hits - costs.offer * len(part),
            )
        )
    return found


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A measured value with its 95 % interval by entity."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, draws: Floats) -> Interval:
        low, high = np.quantile(draws, [TAIL, 1 - TAIL])
        return cls(value=float(value), low=float(low), high=float(high))


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What acting on the probabilities brought, in money per row.

    Attributes:
        chosen: contacting from the threshold on, which was fixed before these rows were seen.
        everybody: contacting all; contacting nobody brings nothing.
        over: `chosen` above the better of contacting all and nobody.
        best, best_share: the most that any share brought, and that share: with hindsight.
    """

    chosen: Interval
    everybody: Interval
    over: Interval
    best: Interval
    best_share: Interval


def worth_of(
    gains: Gains, costs: Costs, threshold: float, entities: Entities | None, seed: int
) -> Worth:
    """Values with intervals by a bootstrap over entities (rows, where none are given)."""
    place = gains.contacted(threshold)
    value = gains.value(costs)
    best = int(value.argmax())
    drawn = draw(gains, costs, place, entities, seed)
    all_better = bool(value[-1] > 0)
    alternative = value[-1] if all_better else 0.0
    chosen, everybody, most, share = drawn
    return Worth(
        chosen=Interval.of(value[place], chosen),
        everybody=Interval.of(value[-1], everybody),
        over=Interval.of(value[place] - alternative, chosen - everybody * all_better),
        best=Interval.of(value[best], most),
        best_share=Interval.of(best / gains.rows, share),
    )


def draw(
    gains: Gains, costs: Costs, place: int, entities: Entities | None, seed: int
) -> tuple[Floats, ...]:
    """Of each draw: value at the place, of everybody, at its own best share, and that share.

    Shares are looked at in steps of a thousandth, so that the work does not grow with the
    square of the rows.
    """
    names = gains.order if entities is None else np.asarray(entities)[gains.order]
    codes, known = pd.factorize(names, sort=True)
    cuts = np.unique(np.append(np.linspace(0, gains.rows, STEPS + 1).astype(np.int64), place))
    part = np.searchsorted(cuts, np.arange(gains.rows), side="right") - 1
    shape = (len(known), len(cuts) - 1)
    steps = csr_array((costs.worth * gains.truth - costs.offer, (codes, part)), shape=shape)
    asked = csr_array((np.ones(gains.rows), (codes, part)), shape=shape)
    rng, each = np.random.default_rng(seed), np.full(len(known), 1 / len(known))
    found = []
    for _ in range(DRAWS // CHUNK):
        counts = rng.multinomial(len(known), each, size=CHUNK)
        value = np.cumsum(counts @ steps, axis=1)
        rows = np.cumsum(counts @ asked, axis=1)
        total = rows[:, -1:]
        value, share = (np.pad(x / total, ((0, 0), (1, 0))) for x in (value, rows))
        best, line = value.argmax(axis=1), np.arange(CHUNK)
        chosen = value[:, np.searchsorted(cuts, place)]
        found.append(np.stack([chosen, value[:, -1], value[line, best], share[line, best]]))
    return tuple(np.concatenate(found, axis=1))
