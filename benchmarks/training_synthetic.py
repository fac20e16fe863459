"""A made-up table of customers whose truth is known: 200,000 rows, 30 columns, 5 % positives."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq

ROWS = 200_000
POSITIVES = 0.05
FLIPPED = 0.005  # of all labels, at random: nobody can know those
LEVELS = (3, 4, 5, 8, 12, 20, 40, 60)
COUNTS, AMOUNTS, GAUSSIANS = 6, 4, 12

Floats = npt.NDArray[np.float64]


def synthetic(rows: int = ROWS, seed: int = 2026) -> pd.DataFrame:
    """22 numbers and 8 categories with missing values, interactions and noise in the label.

    The columns are what customer tables hold: counts, skewed amounts, correlated scores, and
    categories with a few common and many rare values. Twelve of them say nothing of their own.

    Returns:
        The features and a boolean `label`.
    """
    rng = np.random.default_rng(seed)
    gaussians = correlated(rng, rows)
    rates = np.exp(0.5 * gaussians[:, :COUNTS] + np.linspace(0.2, 2.0, COUNTS))
    counts = rng.poisson(rates).astype(np.float64)
    amounts = np.exp(rng.normal(3, 1, (rows, AMOUNTS)) + 0.3 * gaussians[:, :AMOUNTS])
    codes = [zipf(rng, levels, rows) for levels in LEVELS]
    push = truth(rng, gaussians, counts, amounts, codes)
    labels = rng.random(rows) < chances(push)
    flipped = rng.random(rows) < FLIPPED
    columns: dict[str, Any] = {}
    for kind, block in (("score", gaussians), ("count", counts), ("amount", amounts)):
        for place, values in enumerate(block.T):
            columns[f"{kind}_{place}"] = gone(rng, values, push, place)
    for place, (levels, code) in enumerate(zip(LEVELS, codes, strict=True)):
        words = np.array([f"v{level:02d}" for level in range(levels)], dtype=object)
        column = words[code]
        column[rng.random(rows) < 0.02 * (place % 3)] = None
        columns[f"kind_{place}"] = column
    return pd.DataFrame(columns).assign(label=labels ^ flipped)


def correlated(rng: np.random.Generator, rows: int) -> Floats:
    """Scores with three common causes, shape (rows, 12)."""
    causes = rng.normal(size=(rows, 3))
    loads = rng.normal(size=(3, GAUSSIANS)) * 0.6
    return np.asarray(causes @ loads + rng.normal(size=(rows, GAUSSIANS)))


def zipf(rng: np.random.Generator, levels: int, rows: int) -> npt.NDArray[np.int64]:
    """Places of categories, the first the commonest."""
    weights = 1 / np.arange(1, levels + 1)
    return rng.choice(levels, rows, p=weights / weights.sum())


def truth(
    rng: np.random.Generator, gaussians: Floats, counts: Floats, amounts: Floats,
    codes: list[npt.NDArray[np.int64]],
) -> Floats:  # fmt: skip
    """Log-odds up to a constant: main effects, thresholds, and interactions of two and three."""
    effects = [rng.normal(0, scale, levels) for scale, levels in zip(
        (0.8, 0, 0.5, 0.6, 0, 0.7, 0.6, 0), LEVELS, strict=True)]  # fmt: skip
    push = sum(effect[code] for effect, code in zip(effects, codes, strict=True))
    push = push + 0.7 * gaussians[:, 0] - 0.5 * gaussians[:, 1] + 0.4 * np.abs(gaussians[:, 2])
    push += 0.6 * gaussians[:, 3] * (codes[0] == 0) - 0.6 * gaussians[:, 3] * (codes[0] == 1)
    push -= 0.35 * np.sqrt(counts[:, 0]) + 0.9 * (counts[:, 1] == 0)
    push += 0.5 * np.log(amounts[:, 0]) * (counts[:, 2] > 3)  # noqa: PLR2004  a made-up truth
    push += 0.8 * (amounts[:, 1] > amounts[:, 2]) * (gaussians[:, 4] > 0.5)  # noqa: PLR2004  a made-up truth
    push += 1.1 * (gaussians[:, 5] > 1) * (codes[3] > 2) * (counts[:, 3] < 4)  # noqa: PLR2004  a made-up truth
    return np.asarray(push, dtype=np.float64)


def chances(push: Floats) -> Floats:
    """Probabilities whose mean makes up for the labels that are flipped."""
    wanted = (POSITIVES - FLIPPED) / (1 - 2 * FLIPPED)
    low = brentq(lambda b: float((1 / (1 + np.exp(-push - b))).mean()) - wanted, -30, 30)
    return np.asarray(1 / (1 + np.exp(-push - low)), dtype=np.float64)


def gone(rng: np.random.Generator, values: Floats, push: Floats, place: int) -> Floats:
    """Some values missing: at random, and in every fourth column more often where risk is high."""
    share = np.full(len(values), 0.03 * (place % 3))
    if place % 4 == 1:
        share = share + 0.08 * (push > np.median(push))
    return np.where(rng.random(len(values)) < share, np.nan, values)
