"""The picture of `benchmarks/training.md`: mean ranks, and log-loss beside the best there is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.training_results import Results
from benchmarks.training_systems import OURS, SYSTEMS

RANKED = {"log_loss": "log-loss", "pr_auc": "PR-AUC"}
OUR_COLOUR, THEIR_COLOUR = "#c2410c", "#475569"
TICKS = (0, 0.5, 1, 3, 10, 30)  # per cent; beyond 1 on a log scale
PALE = {"color": THEIR_COLOUR, "alpha": 0.5}


def draw(results: Results, target: Path) -> None:
    """Write the picture as SVG, the same bytes from the same results."""
    with mpl.rc_context({"svg.hashsalt": "onramp", "font.size": 9}):
        figure = Figure(figsize=(10, 3.6 * len(results.budgets)), layout="constrained")
        axes = figure.subplots(len(results.budgets), 3, squeeze=False, width_ratios=(1, 1, 1.3))
        for row, budget in zip(axes, results.budgets, strict=True):
            for place, (metric, title) in enumerate(RANKED.items()):
                draw_ranks(row[place], results, metric, budget)
                row[place].set_title(f"mean rank in {title}, {budget} s")
                row[place].tick_params(labelleft=place == 0)
            draw_excess(row[2], results, budget)
        figure.savefig(target, metadata={"Date": None})


def colours(systems: list[str]) -> list[str]:
    return [OUR_COLOUR if name == OURS else THEIR_COLOUR for name in systems]


def draw_ranks(axis: Any, results: Results, metric: str, budget: int) -> None:
    """One dot a system, with its interval; left is better."""
    found = results.ranks(metric, budget)
    places = np.arange(len(found))[::-1]
    for place, colour, one in zip(places, colours(list(found)), found.values(), strict=True):
        axis.plot([one.low, one.high], [place, place], color=colour, linewidth=1.5)
        axis.plot(one.value, place, "o", color=colour)
    axis.set_yticks(places, [SYSTEMS[name].title for name in found])
    axis.set_xlim(0.8, len(found) + 0.2)
    axis.grid(axis="x", alpha=0.3)


def draw_excess(axis: Any, results: Results, budget: int) -> None:
    """Log-loss of each system above the lowest of its table, in per cent of that."""
    scores = results.scores("log_loss", budget)
    for place, (name, by) in enumerate(scores.items()):
        means = {system: float(np.mean(values)) for system, values in by.items()}
        lowest = float(np.nanmin(list(means.values())))
        for system, value in means.items():
            ours, excess = system == OURS, 100 * (value / lowest - 1)
            look = {"marker": "D", "color": OUR_COLOUR} if ours else {"marker": "o", **PALE}
            axis.plot(excess, place, zorder=2 + ours, **look)
        axis.axhline(place, color="#e2e8f0", linewidth=0.8, zorder=1)
        axis.text(0, place + 0.18, name, fontsize=8, color="#334155")
    axis.set_yticks([])
    axis.set_ylim(-0.5, len(scores) - 0.1)
    axis.set_xscale("symlog", linthresh=1)
    axis.set_xlim(left=-0.2)
    axis.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axis.set_title(f"log-loss above the lowest, %, {budget} s")
