"""The made world of `benchmarks/triage.py`: weeks of customers whose truth is known.

Everything is arrays: nobody trains a booster and nothing is written. Onramp's own functions cut
the windows, judge the columns, measure the answers, estimate, decide, split, choose the training
window and judge the challenger; the world only says who came, what was answered and what happened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Plant = Literal["nothing", "covariate shift", "prior shift", "concept drift", "broken pipe"]

START = datetime(2026, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
DELAY = 4  # weeks from an answer to its label
NUMBERS = ("recency", "breadth", "support", "tenure", "visits", "spend")
PLANS, SOURCES = ("basic", "free", "pro"), ("ads", "friend", "search", "shop")
FEATURES = (*NUMBERS, "plan", "source")
LOGIT = np.array([1.0, 0.8, -0.6, 0.3, 0.0, -0.3, 0.5, -0.5])
CHANGED = np.array([0.3, 0.8, 0.3, 0.9, 0.0, -0.3, 0.5, -0.5])
BASE = -1.1  # three customers in ten leave
YEAR = 52.0
BREAKS = ("missing", "unit", "one value", "new categories")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What the world does, from which week on; 999 is never.

    Attributes:
        concept: outcomes follow other causes; inputs stay as they were.
        covariate: customers are others, in an input that matters and one that does not.
        prior: more customers leave, of the same kinds.
        season: how far visits and sources, which cause nothing, swing over the year.
        broken, until: weeks in which the pipe is broken, and how.
    """

    concept: float = 999
    covariate: float = 999
    prior: float = 999
    season: float = 0.0
    broken: float = 999
    until: float = 999
    how: str = "unit"


@dataclass(frozen=True, kw_only=True)
class People:
    """Customers with one moment each.

    Attributes:
        frame: keys, features as they were logged, and `label`, `label_end` and `signed_up_at`.
        chance: the true P(yes), shape (n,).
        matrix: what a model reads, shape (n, 8).
    """

    frame: pd.DataFrame
    chance: Floats
    matrix: Floats

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        return self.frame["label"].to_numpy().astype(np.int64)

    def taken(self, rows: npt.NDArray[np.int64]) -> People:
        """Some of them."""
        frame = self.frame.iloc[rows].reset_index(drop=True)
        return People(frame=frame, chance=self.chance[rows], matrix=self.matrix[rows])


@dataclass(frozen=True, kw_only=True)
class World:
    """A seed, how many customers come in a week, and what happens."""

    seed: int
    rows: int
    truth: Truth = Truth()

    def week(self, number: int) -> People:
        """The customers of one week; the same whenever they are asked for."""
        rng = np.random.default_rng((self.seed, number + 1_000))
        drawn = self.truth.prior <= number
        frame = drawn_people(rng, self.rows * (6 if drawn else 1), number, self.truth)
        chance = chance_of(frame, number, self.truth)
        gone = rng.uniform(size=len(frame)) < chance
        if drawn:
            kept = with_prior(rng, gone, self.rows)
            frame, chance, gone = frame.iloc[kept], chance[kept], gone[kept]
        when = START + number * WEEK
        at = np.sort(rng.uniform(0, WEEK.total_seconds(), self.rows))
        moment = pd.Timestamp(when) + pd.to_timedelta(at.round(), unit="s")
        names = [f"{self.seed}-{number}-{n}" for n in range(self.rows)]
        frame = broken(frame, number, self.truth).assign(
            customer_id=names, event_timestamp=moment, signed_up_at=moment - pd.Timedelta(days=1),
            label=gone, label_end=moment + DELAY * WEEK,
        )  # fmt: skip
        return People(frame=frame.reset_index(drop=True), chance=chance, matrix=encoded(frame))


def drawn_people(rng: np.random.Generator, rows: int, week: int, truth: Truth) -> pd.DataFrame:
    season = truth.season * np.sin(2 * np.pi * week / YEAR)
    moved = 0.5 if truth.covariate <= week else 0.0
    shares = np.array([0.25 + 0.15 * season, 0.25, 0.25 - 0.15 * season, 0.25])
    return pd.DataFrame(
        {
            "recency": rng.normal(size=rows),
            "breadth": rng.normal(moved, 1.0, rows),
            "support": rng.normal(size=rows),
            "tenure": rng.gamma(4.0, 0.5, rows) - 2.0,
            "visits": rng.poisson(6.0 + 3.0 * season + 3.0 * moved, rows).astype(float),
            "spend": rng.lognormal(2.0, 0.8, rows),
            "plan": rng.choice(PLANS, rows, p=(0.5, 0.3, 0.2)).astype(object),
            "source": rng.choice(SOURCES, rows, p=shares).astype(object),
        }
    )


def encoded(frame: pd.DataFrame) -> Floats:
    """Numbers as they are (missing as nought), spend as its logarithm, two plans as 0 and 1."""
    numbers = frame[list(NUMBERS)].to_numpy(dtype=np.float64)
    numbers = np.nan_to_num(numbers)
    numbers[:, 4] -= 6.0
    numbers[:, 5] = np.log(np.maximum(numbers[:, 5], 0.01)) - 2.0
    plans = [(frame["plan"] == plan).to_numpy(dtype=np.float64) for plan in ("free", "pro")]
    return np.column_stack([numbers, *plans])


def chance_of(frame: pd.DataFrame, week: int, truth: Truth) -> Floats:
    weights = CHANGED if truth.concept <= week else LOGIT
    return np.asarray(1 / (1 + np.exp(-(BASE + encoded(frame) @ weights))), dtype=np.float64)


def with_prior(
    rng: np.random.Generator, gone: npt.NDArray[np.bool_], rows: int, share: float = 0.45
) -> npt.NDArray[np.int64]:
    """Places of rows of which so large a share leaves; within yes and no nothing changes."""
    leaves = rng.binomial(rows, share)
    some = rng.choice(np.flatnonzero(gone), leaves, replace=False)
    others = rng.choice(np.flatnonzero(~gone), rows - leaves, replace=False)
    return np.asarray(rng.permutation(np.concatenate([some, others])))


def broken(frame: pd.DataFrame, week: int, truth: Truth) -> pd.DataFrame:
    """What the log says where the pipe is broken; outcomes were caused by what was true."""
    if not truth.broken <= week < truth.until:
        return frame
    if truth.how == "missing":
        return frame.assign(breadth=np.nan)
    if truth.how == "unit":
        return frame.assign(spend=100.0 * frame["spend"])
    if truth.how == "one value":
        return frame.assign(support=0.0)
    return frame.assign(source=frame["source"].str.upper())


def together(parts: list[People]) -> People:
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    return People(
        frame=frame,
        chance=np.concatenate([part.chance for part in parts]),
        matrix=np.concatenate([part.matrix for part in parts]),
    )


def planted(plant: Plant, at: int, seed: int) -> Truth:
    """The truth of one run of the power test."""
    if plant == "concept drift":
        return Truth(concept=at)
    if plant == "covariate shift":
        return Truth(covariate=at)
    if plant == "prior shift":
        return Truth(prior=at)
    if plant == "broken pipe":
        return replace(Truth(), broken=at, how=BREAKS[seed % len(BREAKS)])
    return Truth()
