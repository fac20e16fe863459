"""Calibration of each version: what it says against what happened, in bins of equally many rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from lifecycle import version_files
from lifecycle.metrics import BINS, Labels, expected_calibration_error, row_accuracy
from lifecycle.task import Kind
from training.calibration import standard_error
from training.model import Matrix
from training.promotion.paired import CONFIDENCE, Pair
from training.promotion.side_by_side.recorded import Entrant
from training.promotion.side_by_side.values import Bin, Curve

Floats = npt.NDArray[np.float64]

LEAST_CUSTOMERS = 2  # for a spread
SAME, OWN = "the same unseen rows", "a sample of its own test rows"


def on_same_rows(pair: Pair, first: int, second: int) -> tuple[Curve, ...]:
    """Both curves over the rows that neither has seen."""
    return tuple(
        curve(number, SAME, told(pair.kind, pair.labels, p), pair.customers)
        for number, p in ((first, pair.champion), (second, pair.challenger))
    )


def told(kind: Kind, labels: Labels, probabilities: Matrix) -> tuple[Floats, Floats]:
    """A probability and whether it came true: of the yes, or of the answer among more classes."""
    if kind == "binary":
        return probabilities[:, 1], (labels == 1).astype(np.float64)
    return probabilities.max(axis=1), row_accuracy(labels, probabilities)


def on_own_rows(entrants: tuple[Entrant, ...]) -> tuple[Curve, ...]:
    """A curve of each over the sample of its test rows that it carries; none without rows."""
    return tuple(found for one in entrants if (found := own(one)) is not None)


def own(one: Entrant) -> Curve | None:
    rows = version_files.reference(one.folder)
    rows = rows[rows["label"].notna()]
    if rows.empty:
        return None
    said = rows["prediction"].to_numpy(dtype=np.float64)
    if one.scorer.kind == "binary":
        hit = rows["label"].astype(bool).to_numpy()
    else:
        hit = (rows["label"].astype(str) == rows["answer"].astype(str)).to_numpy()
    return curve(one.number, OWN, (said, hit.astype(np.float64)), rows["customer_id"])


def curve(version: int, on: str, pairs: tuple[Floats, Floats], customers: pd.Series[str]) -> Curve:
    """Bins of equally many rows (Nguyen & O'Connor 2015), as the metric `ece` has them."""
    said, happened = pairs
    order = np.argsort(said, kind="stable")
    whose = customers.to_numpy(dtype=object)
    return Curve(
        version=version,
        on=on,
        rows=len(said),
        ece=expected_calibration_error(said, happened),
        bins=tuple(
            bin_of(said[part], happened[part], whose[part])
            for part in np.array_split(order, min(BINS, len(order)))
        ),
    )


def bin_of(said: Floats, happened: Floats, customers: npt.NDArray[np.object_]) -> Bin:
    """One bin; rows of one customer are no separate witnesses."""
    codes, names = pd.factorize(customers)
    share = float(happened.mean())
    low, high = 0.0, 1.0  # of one customer nothing is known
    if len(names) >= LEAST_CUSTOMERS:
        half = float(norm.ppf((1 + CONFIDENCE) / 2)) * standard_error(happened, codes)
        low, high = max(0.0, share - half), min(1.0, share + half)
    return Bin(rows=len(said), said=float(said.mean()), happened=share, low=low, high=high)
