"""The picture of `benchmarks/gate.md`: equal models promoted, and power by true difference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from benchmarks.gate_duels import Group
from benchmarks.gate_numbers import ALLOWED, BINS, LOSSES, Numbers, Share, within
from benchmarks.gate_rules import GATES, MARGINS, NOT_WORSE, OURS, RULES

OUR_COLOUR, THEIR_COLOUR, RIGHTLY = "#c2410c", "#475569", "#fdba74"
Edges = tuple[tuple[float, float], ...]

CURVES = {
    "Better ROC-AUC alone": (OUR_COLOUR, "o-"),
    OURS: (OUR_COLOUR, "s--"),
    NOT_WORSE: ("#d97706", "D-"),
    "AUC is higher": (THEIR_COLOUR, "o-"),
    "AUC is higher by 0.01": ("#64748b", "s--"),
    "AUC is higher on the champion's validation rows": ("#94a3b8", "^:"),
}


def draw(numbers: Numbers, target: Path) -> None:
    """Write the picture as SVG, the same bytes from the same verdicts."""
    with mpl.rc_context({"svg.hashsalt": "onramp", "font.size": 9}):
        figure = Figure(figsize=(12, 5), layout="constrained", facecolor="white")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
        draw_equals(left, numbers)
        draw_curves(right, numbers)
        figure.savefig(target, metadata={"Date": None}, bbox_inches="tight")


def draw_equals(axis: Any, numbers: Numbers) -> None:
    """One bar a rule, with its interval; left is better but for the gate that may."""
    for place, name in enumerate(reversed(RULES)):
        share = numbers.promoted(name, "equal")
        low, high = share.interval
        colour = OUR_COLOUR if name in GATES else THEIR_COLOUR
        axis.barh(place, np.nan_to_num(share.value), color=RIGHTLY if name == NOT_WORSE else colour)
        axis.plot([low, high], [place, place], color="#0f172a", linewidth=1)
    titles = [f"{name} (rightly)" if name == NOT_WORSE else name for name in reversed(RULES)]
    axis.set_yticks(range(len(RULES)), titles)
    axis.axvline(ALLOWED, color="#0f172a", linewidth=0.8, linestyle=":")
    axis.set_xlim(0, 1)
    axis.xaxis.set_major_formatter(PercentFormatter(1))
    axis.set_title(f"equal models promoted, {numbers.size:,} customers; dotted: 5 %")


def draw_curves(axis: Any, numbers: Numbers) -> None:
    """Share promoted against the true difference, losses on the left."""
    for name, (colour, look) in CURVES.items():
        points = curve(numbers, name)
        axis.plot(
            [at for at, _ in points], [share.value for _, share in points], look,
            color=colour, markersize=4, label=name,
        )  # fmt: skip
    for at in (0.0, -MARGINS["roc_auc"]):
        axis.axvline(at, color="#94a3b8", linewidth=0.8)
    axis.axhline(ALLOWED, color="#0f172a", linewidth=0.8, linestyle=":")
    axis.set_ylim(-0.02, 1.02)
    axis.yaxis.set_major_formatter(PercentFormatter(1))
    axis.set_xlabel("true ROC-AUC, challenger less champion; lines: equal, and the margin")
    axis.set_title(f"promoted by true difference, {numbers.size:,} customers")
    axis.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)


def curve(numbers: Numbers, rule: str) -> list[tuple[float, Share]]:
    """Mean true difference and share promoted of each bin that is not empty."""
    found: list[tuple[float, Share]] = [(0.0, numbers.promoted(rule, "equal"))]
    sides: tuple[tuple[Group, Edges], ...] = (("worse", LOSSES), ("better", BINS))
    for group, edges in sides:
        for inside in (within(*each) for each in edges):
            gains = [one["duel"]["gain"] for one in numbers.group(group) if inside(one)]
            if gains:
                found.append((float(np.mean(gains)), numbers.promoted(rule, group, where=inside)))
    return sorted((pair for pair in found if pair[1].of), key=lambda pair: pair[0])
