"""A small question to search on, and what two searches must agree in."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from lifecycle.space import Search
from tasks._trees import TREES
from training.boosters import Settings
from training.folds import Problem
from training.model import Encoder
from training.search.plan import Found, Plan

SPACE: Search = replace(TREES, folds=2)
FEATURES = (*((f"n{i}", "number") for i in range(4)), ("plan", "category"))


def make_problem(rows: int = 400, signal: float = 1.5, folds: int = 2, rounds: int = 30) -> Problem:
    """Four numbers, one of them with gaps, and a category; two classes, one of them rare."""
    rng = np.random.default_rng(0)
    matrix = np.column_stack([rng.normal(size=(rows, 4)), rng.integers(0, 3, rows).astype(float)])
    push = signal * (matrix[:, 0] - 0.7 * matrix[:, 1] + 0.8 * (matrix[:, 4] == 0))
    labels = (rng.random(rows) < 1 / (1 + np.exp(1.2 - push))).astype(np.int64)
    matrix[rng.random(rows) < 0.1, 2] = np.nan
    edges = np.linspace(rows // 2, rows, folds + 1).astype(int)
    cut = [(np.arange(start), np.arange(start, stop)) for start, stop in pairwise(edges)]
    return Problem(
        encoder=Encoder(FEATURES, {"plan": ("free", "pro", "team")}),
        matrix=matrix, labels=labels, folds=cut,
        settings=Settings(classes=2, bins=63, seed=0, rounds=rounds, patience=10),
    )  # fmt: skip


def make_plan(folder: Path, trials: int | None = 5, space: Search = SPACE) -> Plan:
    return Plan(
        name="churn-x", folder=folder, kind="binary", metric="log_loss", search=space, seed=3,
        trials=trials,
    )  # fmt: skip


def told(found: Found) -> list[tuple[object, ...]]:
    """All that a trial came to; not when, and not by whom."""
    return [
        (t.number, dict(t.user_attrs), sorted(t.params.items()), t.state, t.value,
         t.intermediate_values)
        for t in found.trials
    ]  # fmt: skip
