"""The picture of an ablation: how far each method lies from none, before and after calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lifecycle.gate import Difference
from lifecycle.metrics import HIGHER_IS_BETTER
from training.balancing.contrast import CONTRASTED
from training.balancing.methods import Ablation
from training.balancing.verdict import NAMES, TITLES

RAW, SCALED = "#9a9a9a", "#1f5fa8"  # grey and blue: told apart without colour vision, and printed


def figure(found: Ablation) -> Figure:
    """Differences to none with intervals: one panel a metric, hollow before calibration."""
    names = CONTRASTED[found.kind]
    methods = [method for method in found.tried if method != "none"]
    drawn = Figure(figsize=(9.0, 8.5))
    drawn.subplots_adjust(left=0.15, right=0.98, bottom=0.1, top=0.92, hspace=0.5, wspace=0.08)
    for place, metric in enumerate(names):
        panel = drawn.add_subplot(3, 2, place + 1)
        for told, shift, colour, face in (
            (found.before, 0.15, RAW, "white"),
            (found.after, -0.15, SCALED, SCALED),
        ):
            marks(panel, [told[method][metric] for method in methods], shift, (colour, face))
        panel.axvline(0, color="black", lw=0.8)
        panel.set_ylim(-0.6, len(methods) - 0.4)
        panel.invert_yaxis()
        left = place % 2 == 0
        panel.set_yticks(range(len(methods)), [TITLES[m] if left else "" for m in methods])
        better = "right" if HIGHER_IS_BETTER[metric] else "left"
        panel.set_title(f"{NAMES[metric]} ({better} is better)", fontsize=10)
        panel.tick_params(labelsize=8)
        panel.locator_params(axis="x", nbins=5)
    drawn.suptitle("Balancing: difference to none, 95 % intervals by entity", fontsize=12)
    handles = drawn.axes[0].get_legend_handles_labels()[0]
    drawn.legend(
        handles, ["before calibration", "after calibration"], loc="lower center", ncols=2,
        frameon=False, fontsize=9,
    )  # fmt: skip
    return drawn


def marks(panel: Any, told: Sequence[Difference], shift: float, colours: tuple[str, str]) -> None:
    """One point and whisker a method; what was not measured is not drawn."""
    value, low, high = np.array([(one.value, one.low, one.high) for one in told]).T
    line, face = colours
    panel.errorbar(
        value, np.arange(len(told)) - shift, xerr=np.maximum([value - low, high - value], 0),
        fmt="o", ms=5, color=line, mfc=face, capsize=2, lw=1.2, label="drawn",
    )  # fmt: skip
