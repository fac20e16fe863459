"""What a model card is made of: plain values, read and measured elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.promotion.side_by_side.values import Curve, Side


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A number with its 95 % interval by customer; NaN where it cannot be measured."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether the interval says anything."""
        return math.isfinite(self.low) and math.isfinite(self.high)


NOT_MEASURED = Interval(value=math.nan, low=math.nan, high=math.nan)


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The rows on which one feature has one value.

    Attributes:
        said: mean probability of the yes; of its own answer among more classes.
        happened: share of rows where that came true.
        quality: of the metric that slices are told by; unknown for a slice that is too small.
    """

    feature: str
    value: str
    rows: int
    customers: int
    said: float
    happened: float
    quality: Interval


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured anew on the test rows that the version carries.

    Attributes:
        metrics: name → number and interval on these rows.
        by: the metric of the slices.
        curve: calibration; None without rows.
    """

    rows: int
    customers: int
    metrics: Mapping[str, Interval]
    by: str
    slices: tuple[Slice, ...]
    curve: Curve | None


@dataclass(frozen=True, kw_only=True)
class Share:
    """How much of the answers a feature moves, as the training's report has it."""

    share: float
    effect: str


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """All that a card says, as it was recorded.

    Attributes:
        side: number, aliases, rows, data windows, verdict.
        question: of the task.
        facts: `model.json`: features with meanings, calibrator, threshold, balancing.
        baselines: baseline → metrics on the whole test.
        money: the task's offer in words; empty: nobody has said.
        parameters: of its run; empty when the run is gone.
        balancing: what the ablation found, in words; empty where it was not made.
        shares: feature → how much it moves; empty where it was not measured.
        findings: (outcome, words) of the gate, in its order.
    """

    task: str
    side: Side
    question: str
    facts: Mapping[str, Any]
    baselines: Mapping[str, Mapping[str, float]]
    money: str
    parameters: Mapping[str, str]
    balancing: str
    shares: Mapping[str, Share]
    findings: tuple[tuple[str, str], ...]
    measured: Measured

    @property
    def binary(self) -> bool:
        return bool(self.facts["kind"] == "binary")
