"""Metrics of both versions on the same rows, over all of them and by value of some features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from lifecycle.gate import Difference
from lifecycle.metrics import HIGHER_IS_BETTER, METRICS
from training.promotion.evidence import rarest
from training.promotion.paired import Pair, difference
from training.promotion.side_by_side.common import Common
from training.promotion.side_by_side.values import MetricPair, SameRows, SlicePair, Slices

SIGNIFICANT = 0.05
LEAST_ROWS, LEAST_OF_RAREST = 100, 20  # of a slice, to say anything of it
MOST_VALUES = 12  # of a feature, to be sliced by
MISSING = "missing"

Mask = npt.NDArray[np.bool_]


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
        metrics=tuple(metric_pair(common.pair, name, asked) for name in METRICS[common.pair.kind]),
        slices=slices(common, asked),
    )


def metric_pair(pair: Pair, name: str, asked: Asked) -> MetricPair:
    """One metric of both, with the paired interval of the difference."""
    metric, found = METRICS[pair.kind][name], difference(pair, name)
    return MetricPair(
        metric=name,
        higher_is_better=HIGHER_IS_BETTER[name],
        first=metric(pair.labels, pair.champion),
        second=metric(pair.labels, pair.challenger),
        difference=found,
        better=better(name, found, asked),
    )


def better(name: str, found: Difference, asked: Asked) -> int | None:
    """The version that the interval says is better; None: it holds zero or is no number."""
    sign = 1.0 if HIGHER_IS_BETTER[name] else -1.0
    ends = sorted((sign * found.low, sign * found.high))
    if ends[0] > 0:
        return asked.second
    return asked.first if ends[1] < 0 else None


def slices(common: Common, asked: Asked) -> Slices:
    """Both versions by value of each feature asked for, with Holm's correction over all slices."""
    left_out: list[str] = []
    found: list[SlicePair] = []
    for feature in asked.by:
        values = named(common.frame[feature])
        if values.nunique() > MOST_VALUES:
            left_out.append(f"{feature}: {values.nunique():,} values")
            continue
        for value in sorted(values.unique(), key=lambda text: (text == MISSING, text)):
            mask = (values == value).to_numpy()
            pair = part_of(common.pair, mask)
            fewest = rarest(pair.labels, len(common.classes))
            if len(pair.labels) < LEAST_ROWS or fewest < LEAST_OF_RAREST:
                left_out.append(f"{feature} {value} ({len(pair.labels):,} rows, rarest {fewest:,})")
                continue
            found.append(slice_pair(pair, (feature, value, fewest), asked))
    return Slices(
        metric=asked.metric,
        higher_is_better=HIGHER_IS_BETTER[asked.metric],
        compared=corrected(found),
        left_out=tuple(left_out),
    )


def named(column: pd.Series[Any]) -> pd.Series[str]:
    """Values as words; a whole number without its decimals."""
    if pd.api.types.is_numeric_dtype(column):
        return column.map(lambda value: MISSING if pd.isna(value) else f"{value:g}")
    return column.map(lambda value: MISSING if pd.isna(value) else str(value))


def part_of(pair: Pair, mask: Mask) -> Pair:
    return replace(
        pair, labels=pair.labels[mask], challenger=pair.challenger[mask],
        champion=pair.champion[mask], customers=pair.customers[mask],
    )  # fmt: skip


def slice_pair(pair: Pair, told: tuple[str, str, int], asked: Asked) -> SlicePair:
    """One slice, its p-value not corrected yet."""
    feature, value, fewest = told
    whole = metric_pair(pair, asked.metric, asked)
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
