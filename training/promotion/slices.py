"""Challenger against champion, slice by slice: where a gain of all hides a loss of some.

Each slice is measured on its own rows, with rows of a customer summed; ROC-AUC by DeLong, means
over rows by the normal interval, other metrics by the bootstrap. Which slices fail, with how
many were tested in mind, the gate judges (`lifecycle.gate.compared`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from features.catalogue import slug
from lifecycle.gate import Difference, NotWorseOnSlices, SliceDifference
from lifecycle.metrics import ROW_METRICS
from training.promotion.labels import rarest
from training.promotion.paired import Pair, Z, clustered_mean, comparable, difference

MISSING = "(missing)"


def sliced_by(frame: pd.DataFrame, rules: Sequence[NotWorseOnSlices]) -> tuple[str, ...]:
    """What the rules slice by, as far as the rows have it."""
    asked = dict.fromkeys(name for rule in rules for name in rule.by)
    return tuple(name for name in asked if column(frame, name))


def column(frame: pd.DataFrame, name: str) -> str:
    """Where the frame has a feature, or a profile column of that name; empty: nowhere."""
    known = (one for one in (name, f"profile_{slug(name)}") if one in frame.columns)
    return next(known, "")


def slices(
    pair: Pair, frame: pd.DataFrame, rules: Sequence[NotWorseOnSlices]
) -> tuple[SliceDifference, ...]:
    """Every slice that a rule asks for, those that are too small without a difference.

    Args:
        pair: what both models said of the rows.
        frame: the same rows with their features, in the same order.
        rules: of the gate; one whose metric is not known of such rows is measured nowhere.
    """
    return tuple(
        measured(pair, rows, rule, name, value)
        for rule in rules
        if rule.metric in comparable(pair)
        for name in sliced_by(frame, [rule])
        for value, rows in values(frame[column(frame, name)])
    )


def values(feature: pd.Series[str]) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Each value with the places of its rows, the most frequent first; none is a value too."""
    words = feature.astype(object).where(feature.notna(), MISSING).astype(str).to_numpy()
    names, counts = np.unique(words, return_counts=True)
    for place in np.argsort(-counts, kind="stable"):
        yield str(names[place]), words == names[place]


def measured(
    pair: Pair,
    rows: npt.NDArray[np.bool_],
    rule: NotWorseOnSlices,
    feature: str,
    value: str,
) -> SliceDifference:
    """One slice."""
    known = int(rows.sum())
    fewest = rarest(pair.labels[rows], pair.challenger.shape[1])
    found, p_value = None, None
    if known >= rule.least_rows and fewest >= rule.least_positives:
        found = of_slice(pair.where(rows), rule.metric)
        p_value = loss_beyond(found, rule)
    return SliceDifference(
        metric=rule.metric,
        margin=rule.margin,
        feature=feature,
        value=value,
        rows=known,
        positives=fewest,
        difference=found,
        p_value=p_value,
    )


def of_slice(pair: Pair, metric: str) -> Difference:
    """The difference on one slice, quick enough for a hundred of them."""
    if metric in ROW_METRICS or metric in pair.by_row:
        return clustered_mean(pair, metric)
    return difference(pair, metric)


def loss_beyond(found: Difference, rule: NotWorseOnSlices) -> float:
    """One-sided p-value of the hypothesis that the loss is no larger than the margin."""
    error = (found.high - found.low) / (2 * Z)
    spare = (found.value if rule.higher_is_better else -found.value) + rule.margin
    if error == 0:
        return 1.0 if spare >= 0 else 0.0
    return float(norm.cdf(spare / error))
