"""Rows for the canaries: a known signal, several rows a customer, folds forward in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from training.balancing.balance import Balance
from training.boosters import Settings
from training.folds import Problem
from training.model import Encoder
from training.search.plan import Candidate

CANDIDATE = Candidate(
    algorithm="lightgbm", params={"num_leaves": 7, "learning_rate": 0.2}, balance=Balance(),
    rounds=(20, 20),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a section is made of.

    Attributes:
        extra: column → values of shape (rows,), put after six columns of known signal.
    """

    customers: int = 200
    classes: int = 2
    signal: float = 1.0
    seed: int = 0
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)


def who(asked: Asked) -> np.ndarray:
    """Three rows a customer, in the order of sign-up."""
    return np.repeat([f"c{i:05d}" for i in range(asked.customers)], 3).astype(object)


def labels(asked: Asked) -> np.ndarray:
    return drawn(asked)[1]


def drawn(asked: Asked) -> tuple[np.ndarray, np.ndarray]:
    """(matrix of shape (rows, 6), labels): three columns tell a little, one is a category."""
    rng = np.random.default_rng(asked.seed)
    rows = asked.customers * 3
    x = rng.normal(size=(rows, 6))
    x[:, 5] = rng.integers(4, size=rows)
    pushes = np.column_stack([asked.signal * x[:, i] for i in range(asked.classes)])
    x[rng.random(rows) < 0.1, 3] = np.nan
    return x, (pushes + rng.gumbel(size=pushes.shape)).argmax(axis=1)


def names(asked: Asked) -> tuple[str, ...]:
    return (*(f"n{i}" for i in range(5)), "plan", *asked.extra)


def problem(asked: Asked) -> Problem:
    """Two folds, each judged on customers who came later."""
    x, y = drawn(asked)
    features = [(n, "category" if n == "plan" else "number") for n in names(asked)]
    rows = len(y)
    ends = [rows // 2, 3 * rows // 4, rows]
    folds = tuple((np.arange(a), np.arange(a, b)) for a, b in pairwise(ends))
    return Problem(
        encoder=Encoder(features, {"plan": ["a", "b", "c", "d"]}),
        matrix=np.column_stack([x, *asked.extra.values()]),
        labels=y,
        folds=folds,
        settings=Settings(classes=asked.classes, bins=63, seed=asked.seed),
    )
