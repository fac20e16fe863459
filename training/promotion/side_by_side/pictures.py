"""Pictures of a comparison: both calibration curves on one square, both importances as bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from training.promotion.side_by_side.values import Curve, Importances, MetricPair, Weight
from training.report.explained import panel
from training.report.figures import axes, legend, named_bars

FIRST, SECOND = "#c07c1c", "#2f6fb2"  # told apart by those who see no red or no green, too
MOST_BARS = 15
THICK = 0.38


def calibration_figure(curves: Sequence[Curve]) -> Figure:
    """What each says against what happened; the bars are 95 % intervals by customer."""
    figure, ax = axes("Calibration", "probability said", "share that happened")
    for one, colour, mark in zip(curves, (FIRST, SECOND), ("o", "s"), strict=False):
        said = [part.said for part in one.bins]
        ax.plot(said, [part.happened for part in one.bins], f"{mark}-", ms=4, color=colour,
                label=f"version {one.version} (ece {one.ece:.4f})")  # fmt: skip
        ax.vlines(said, [part.low for part in one.bins], [part.high for part in one.bins],
                  color=colour, lw=1, alpha=0.6)  # fmt: skip
    ax.plot([0, 1], [0, 1], ":", color="grey", label="as it should be")
    return legend(figure, ax)


def importance_figure(found: Importances, first: int, second: int) -> Figure:
    """Share of each feature in all contributions, the foremost of either version on top."""
    top = found.features[:MOST_BARS][::-1]
    figure, ax = panel("What moves the answers", "share of all contributions")
    y = np.arange(len(top), dtype=np.float64)
    both = (
        (first, FIRST, [one.first for one in top], THICK / 2),
        (second, SECOND, [one.second for one in top], -THICK / 2),
    )
    for number, colour, weights, shift in both:
        ax.barh(y + shift, [share_of(one) for one in weights], height=THICK, color=colour,
                label=f"version {number}")  # fmt: skip
    named_bars(ax, [one.feature for one in top], size=8)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.legend(fontsize=8, loc="lower right")
    return figure


def share_of(weight: Weight | None) -> float:
    return weight.share if weight is not None else 0.0


def differences_figure(metrics: Sequence[MetricPair], first: int, second: int) -> Figure:
    """Each metric's difference with its interval, turned so that right is better for the second.

    In units of the interval's half width, so that metrics of any scale share an axis: an
    interval that does not touch nought is a difference beyond chance.
    """
    shown = [one for one in metrics if np.isfinite(one.difference.low + one.difference.high)]
    figure, ax = panel(
        f"Version {second} against version {first} on the same rows",
        f"← {first} is better    difference, in half widths of its 95 % interval    "
        f"{second} is better →",
    )
    for y, one in enumerate(shown[::-1]):
        sign = 1.0 if one.higher_is_better else -1.0
        found = one.difference
        half = (found.high - found.low) / 2 or 1.0
        ends = sorted((sign * found.low / half, sign * found.high / half))
        colour = "grey" if one.better is None else SECOND if one.better == second else FIRST
        ax.hlines(y, *ends, color=colour, lw=2)
        ax.plot([sign * found.value / half], [y], "o", color=colour)
    ax.axvline(0, ls=":", color="grey")
    named_bars(ax, [one.metric for one in shown[::-1]], size=8)
    return figure
