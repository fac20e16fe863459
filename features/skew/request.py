"""An answer, with what it was made of, as the prediction log has it."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.prediction import COLUMNS, FeatureValue

POOL = 5  # of so many times the customers asked for, the newest, the sample is drawn


@dataclass(frozen=True, kw_only=True)
class Request:
    """One answer, with what it was made of.

    Attributes:
        at: the moment whose features were used.
        answered_at: on the wall clock. What arrived later cannot have entered.
        version: that answered.
        logged: whether it was really asked; otherwise the online store was asked for it now.
        vector: feature → value as the version got it; a gap is None.
        scores: what came out, by name: each class's probability, and `prediction`, the one that
            was reported.
    """

    customer_id: str
    at: datetime
    answered_at: datetime
    version: int
    logged: bool
    vector: Mapping[str, FeatureValue]
    scores: Mapping[str, float]


def sample(frame: pd.DataFrame, most: int, draw: np.random.Generator) -> pd.DataFrame:
    """Rows in their order, at most so many."""
    return frame.iloc[np.sort(draw.permutation(len(frame))[:most])]


def request(row: Mapping[Hashable, Any]) -> Request:
    """A row of the prediction log."""
    return Request(
        customer_id=str(row["customer_id"]),
        at=row["event_timestamp"].to_pydatetime(),
        answered_at=row["scored_at"].to_pydatetime(),
        version=int(row["version"]),
        logged=True,
        vector={str(name): plain(value) for name, value in row.items() if name not in COLUMNS},
        scores={**json.loads(row["probabilities"]), "prediction": float(row["prediction"])},
    )


def plain(value: Any) -> FeatureValue:
    """A value out of a frame: a float, a text, or None for a gap of any kind."""
    if value is None or isinstance(value, str):
        return value
    return None if pd.isna(value) else float(value)
