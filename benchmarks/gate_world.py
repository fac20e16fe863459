"""The simulated customers of `benchmarks/gate.py`, in two parts: to learn from, and the truth.

The second part is the whole world as far as the benchmark goes: a model's true ROC-AUC is its
ROC-AUC over all of that part's rows. An evaluation sample is drawn from its customers with
replacement. So what a sample estimates is known exactly, and a sample is what every test takes it
to be: independent draws. No model has learned from a customer of the second part.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lifecycle.metrics import Labels
from training.model import Encoder

ROWS, MATRIX, TOLD = "rows.parquet", "matrix.npy", "encoder.json"

Places = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class World:
    """Labelled moments of churn, customer by customer; those to learn from come first.

    Attributes:
        rows: `customer` (from 0), `label` (0 or 1) and what the gate slices by, shape (n, …).
        matrix: encoded features, shape (n, features), float32.
        encoder: of the matrix.
        learners: customers to learn from; those after them are the truth.
    """

    rows: pd.DataFrame
    matrix: npt.NDArray[np.float32]
    encoder: Encoder
    learners: int

    @cached_property
    def labels(self) -> Labels:
        return self.rows["label"].to_numpy().astype(np.int64)

    @cached_property
    def edges(self) -> Places:
        """The first row of each customer, and the end; shape (customers + 1,)."""
        counts = np.bincount(self.rows["customer"].to_numpy())
        return np.concatenate([[0], np.cumsum(counts)])

    @property
    def customers(self) -> int:
        return len(self.edges) - 1

    @property
    def true_rows(self) -> slice:
        """The rows that are the truth."""
        return slice(int(self.edges[self.learners]), None)

    def rows_of(self, customers: Places) -> tuple[Places, Places]:
        """Where the customers' rows are, and each row's place among those who were asked for.

        A customer who is asked for twice comes twice, as two places.
        """
        first, counts = self.edges[customers], np.diff(self.edges)[customers]
        whose = np.repeat(np.arange(len(customers)), counts)
        within = np.arange(len(whose)) - np.repeat(np.cumsum(counts) - counts, counts)
        return first[whose] + within, whose


def read(folder: Path) -> World:
    """What `benchmarks.gate_make` wrote; the matrix stays on disk until rows are asked for."""
    told: dict[str, Any] = json.loads((folder / TOLD).read_text())
    return World(
        rows=pd.read_parquet(folder / ROWS),
        matrix=np.load(folder / MATRIX, mmap_mode="r"),
        encoder=Encoder(told["features"], told["categories"]),
        learners=int(told["learners"]),
    )
