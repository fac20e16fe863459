"""Learns from the training rows what the encoder must know: each category's values."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from training.model import Encoder

MOST_CATEGORIES = 200  # rarer ones become missing: a value seen once teaches nothing


def fit_encoder(frame: pd.DataFrame, features: Sequence[tuple[str, str]]) -> Encoder:
    """Store each category feature's commonest values, sorted.

    Args:
        frame: the training rows.
        features: (name, "number" | "category") in order.
    """
    categories = {name: common_values(frame[name]) for name, kind in features if kind == "category"}
    return Encoder(features, categories)


def common_values(column: pd.Series[str]) -> tuple[str, ...]:
    """The commonest text values, sorted; ties by name, so that row order never matters."""
    text = column.dropna()
    text = text[[isinstance(value, str) for value in text]]
    counts = text.value_counts()
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return tuple(sorted(str(value) for value, _ in ranked[:MOST_CATEGORIES]))
