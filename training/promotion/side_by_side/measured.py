"""Metrics of both versions on the same rows, over all of them and by value of some features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from lifecycle.gate import Difference
from lifecycle.metrics import METRICS
from training.promotion.labels import rarest
from training.promotion.paired import Pair, difference
from training.promotion.side_by_side.common import Common
from training.promotion.side_by_side.values import MetricPair, SameRows, SlicePair, Slices
from training.promotion.side_by_side.words import higher
from training.promotion.slices import of_slice, values

SIGNIFICANT = 0.05
LEAST_ROWS, LEAST_OF_RAREST = 100, 20  # of a slice, to say anything of it
MONEY = "expected_value"  # of a task with costs; a metric of no kind
MOST_VALUES = 12  # of a feature, to be sliced by
# of the same labels log_loss_skill is log_loss on another scale: it tells two versions nothing new
SAME = frozenset({"log_loss_skill"})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a comparison is asked for.

    Attributes:
        first, second: numbers of the versions.
        metric: by which slices are compared.
        by: features to slice by.
    """

    first: int
    second: int
    metric: str
    by: tuple[str, ...]


def same_rows(common: Common, asked: Asked) -> SameRows:
    """Everything that is measured on the same rows."""
    moments = pd.to_datetime(common.frame["event_timestamp"], utc=True)
    return SameRows(
        rows=len(common.frame),
        customers=int(common.pair.customers.nunique()),
        rarest=common.rarest,
        first_moment=moments.min().isoformat(),
        last_moment=moments.max().isoformat(),
        metrics=tuple(metric_pair(common.pair, name, asked) for name in told_of(common.pair)),
        slices=slices(common, asked),
    )


def told_of(pair: Pair) -> tuple[str, ...]:
    """The metrics of the kind, and money where the task has costs."""
    return (*(name for name in METRICS[pair.kind] if name not in SAME), *pair.by_row)


def metric_pair(pair: Pair, name: str, asked: Asked, found: Difference | None = None) -> MetricPair:
    """One metric of both, with the paired interval of the difference where it is not known yet."""
    found = found or difference(pair, name)
    first, second = values_of(pair, name)
    return MetricPair(
        metric=name,
        higher_is_better=higher(name),
        first=first,
        second=second,
        difference=found,
        better=better(name, found, asked),
    )


def values_of(pair: Pair, name: str) -> tuple[float, float]:
    """The metric of the first version and of the second."""
    if name in pair.by_row:
        second, first = pair.by_row[name]
        return float(first.mean()), float(second.mean())
    metric = METRICS[pair.kind][name]
    return metric(pair.labels, pair.champion), metric(pair.labels, pair.challenger)


def better(name: str, found: Difference, asked: Asked) -> int | None:
    """The version that the interval says is better; None: it holds zero or is no number."""
    sign = 1.0 if higher(name) else -1.0
    ends = sorted((sign * found.low, sign * found.high))
    if ends[0] > 0:
        return asked.second
    return asked.first if ends[1] < 0 else None


def slices(common: Common, asked: Asked) -> Slices:
    """Both versions by value of each feature asked for, with Holm's correction over all slices."""
    left_out: list[str] = []
    found: list[SlicePair] = []
    for feature in asked.by:
        column = common.frame[feature]
        if column.nunique() > MOST_VALUES:
            left_out.append(f"{feature}: {column.nunique():,} values")
            continue
        for value, rows in values(column):
            pair = common.pair.where(rows)
            fewest = rarest(pair.labels, len(common.classes))
            if len(pair.labels) < LEAST_ROWS or fewest < LEAST_OF_RAREST:
                left_out.append(f"{feature} {value} ({len(pair.labels):,} rows, rarest {fewest:,})")
                continue
            found.append(slice_pair(pair, (feature, value, fewest), asked))
    return Slices(
        metric=asked.metric,
        higher_is_better=higher(asked.metric),
        compared=corrected(found),
        left_out=tuple(left_out),
    )


def slice_pair(pair: Pair, told: tuple[str, str, int], asked: Asked) -> SlicePair:
    """One slice, its p-value not corrected yet."""
    feature, value, fewest = told
    whole = metric_pair(pair, asked.metric, asked, of_slice(pair, asked.metric))
    return SlicePair(
        feature=feature, value=value, rows=len(pair.labels), rarest=fewest,
        first=whole.first, second=whole.second, difference=whole.difference,
        p_value=p_value(whole.difference), better=whole.better,
    )  # fmt: skip


def p_value(found: Difference) -> float:
    """Of no difference, two-sided, by the normal law with the interval's standard error.

    Returns:
        1 for a difference of exactly nothing; NaN where the interval is none.
    """
    width = found.high - found.low
    if not np.isfinite(width):
        return float("nan")
    if width == 0:
        return 1.0 if found.value == 0 else 0.0
    error = width / (2 * norm.ppf((1 + found.confidence) / 2))
    return float(2 * norm.sf(abs(found.value) / error))


def corrected(found: Sequence[SlicePair]) -> tuple[SlicePair, ...]:
    """Holm's step-down over all slices (Holm 1979): what is better, is so beyond their number."""
    held = holm({place: one.p_value for place, one in enumerate(found)})
    return tuple(
        replace(
            one,
            p_value=held[place],
            better=one.better if held[place] < SIGNIFICANT else None,
        )
        for place, one in enumerate(found)
    )


def holm(values: Mapping[int, float]) -> dict[int, float]:
    """Corrected p-values; one that is no number stays so and counts among them as 1."""
    order = sorted(values, key=lambda place: (np.isnan(values[place]), values[place]))
    held, highest = {}, 0.0
    for step, place in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - step) * values[place]))
        held[place] = float("nan") if np.isnan(values[place]) else highest
    return held
