"""Pictures of whom to contact: cumulative gains, lift by tenth, value by share contacted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from lifecycle.costs import Costs
from training.gains import Gains, Worth
from training.report.figures import axes, legend

POINTS = 200  # of a curve: more cannot be told apart
THOUSAND = 1_000
SHARE = "share contacted, the likeliest first"


def gains_figure(gains: Gains, rivals: Mapping[str, Gains], threshold: float, those: str) -> Figure:
    """How many of the yeses are reached, beside baselines, chance and knowing everything."""
    figure, ax = axes(
        "Cumulative gains on the test rows", SHARE, f"share of the {those} reached", 0.14
    )
    at = places(gains)
    ax.plot(gains.shares[at], gains.gain[at], label="this model", zorder=3)
    for name, rival in rivals.items():
        ax.plot(rival.shares[at], rival.gain[at], "--", lw=1, label=name.replace("_", " "))
    base = gains.positives / gains.rows
    ax.plot([0, base, 1], [0, 1, 1], color="silver", lw=1, label="knowing everything")
    ax.plot([0, 1], [0, 1], ":", color="grey", label="by chance")
    ax.axvline(threshold, color="grey", lw=0.8, ls="-.", label="contacted by the threshold")
    percent(ax.xaxis, ax.yaxis)
    return legend(figure, ax)


def lift_figure(gains: Gains, tenths: Sequence[float]) -> Figure:
    """How much richer in yeses each tenth is, and all tenths up to it."""
    figure, ax = axes("Lift on the test rows", SHARE, "times as many as by chance")
    middles = (np.arange(len(tenths)) + 0.5) / len(tenths)
    ax.bar(middles, tenths, width=0.85 / len(tenths), alpha=0.4, label="this tenth alone")
    at = places(gains)[1:]
    at = at[at >= max(1, gains.rows // 100)]  # the first hundredth is noise
    ax.plot(gains.shares[at], gains.lift[at - 1], label="all up to here")
    ax.axhline(1, ls=":", color="grey", label="by chance")
    percent(ax.xaxis)
    return legend(figure, ax)


def value_figure(gains: Gains, costs: Costs, threshold: float, worth: Worth) -> Figure:
    """What 1,000 rows bring by share contacted: as it came and as the probabilities promised."""
    unit = f", {costs.currency}" if costs.currency else ""
    figure, ax = axes("Value on the test rows", SHARE, f"value for 1,000 rows{unit}", left=0.15)
    at = places(gains)
    ax.plot(gains.shares[at], THOUSAND * gains.value(costs)[at], label="as it came")
    ax.plot(gains.shares[at], THOUSAND * gains.promised(costs)[at], "--", label="as promised")
    everybody = THOUSAND * gains.value(costs)[-1]
    ax.plot([0, 1], [0, everybody], ":", color="grey", label="by chance")
    ax.axvline(threshold, color="grey", lw=0.8, ls="-.", label="contacted by the threshold")
    best = worth.best_share
    ax.axvspan(best.low, best.high, alpha=0.12, label="best share, 95 % interval")
    percent(ax.xaxis)
    return legend(figure, ax)


def ranks_figure(systems: Mapping[str, Sequence[float]]) -> Figure:
    """How often the truth is among the first k, by k, one line a system."""
    figure, ax = axes("The truth among the first", "how many are shown", "share of the rows", 0.14)
    for place, (name, shares) in enumerate(systems.items()):
        style = "o-" if place == 0 else "o--"
        ax.plot(np.arange(1, len(shares) + 1), shares, style, label=name.replace("_", " "))
    ax.set_xticks(np.arange(1, max(map(len, systems.values())) + 1))
    ax.set_ylim(0, 1.02)
    percent(ax.yaxis)
    return legend(figure, ax)


def places(gains: Gains) -> Any:
    """Places along a curve, the first and the last among them."""
    return np.unique(np.linspace(0, gains.rows, POINTS + 1).astype(np.int64))


def percent(*sides: Any) -> None:
    for side in sides:
        side.set_major_formatter(PercentFormatter(1.0))
