"""The picture of `benchmarks/triage.md`: a year under each policy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from benchmarks.triage_year import BUG, CONCEPT, POLICIES

LOOKS = {
    "never": ("#94a3b8", ":"),
    "any column drifted": ("#0369a1", "--"),
    "monthly": ("#64748b", "-."),
    "weekly": ("#334155", "--"),
    "weekly, window chosen": ("#d97706", "-."),
    "Onramp": ("#c2410c", "-"),
}


def draw(years: Sequence[dict[str, Any]], target: Path) -> None:
    """Write the picture as SVG, the same bytes from the same lines."""
    with mpl.rc_context({"svg.hashsalt": "onramp", "font.size": 9}):
        figure = Figure(figsize=(11, 6), layout="constrained", facecolor="white")
        above, below = figure.subplots(2, 1, height_ratios=(2.4, 1), sharex=True)
        policies = [name for name in POLICIES if any(one["policy"] == name for one in years)]
        for name in policies:
            weeks = np.mean([one["auc"] for one in years if one["policy"] == name], axis=0)
            colour, look = LOOKS[name]
            above.plot(
                range(1, len(weeks) + 1), weeks, look, color=colour, label=name,
                linewidth=2.2 if name == "Onramp" else 1.1,
            )  # fmt: skip
        above.set_ylabel("ROC-AUC of the week's answers")
        above.legend(ncols=3, loc="lower left", frameon=False)
        above.set_title("mean over years: a unit bug, other people, and a changed relation")
        draw_retrains(below, years, policies)
        for axis in (above, below):
            axis.axvline(CONCEPT + 1, color="#0f172a", linewidth=0.8, linestyle=":")
            axis.axvspan(BUG + 0.5, BUG + 1.5, color="#fde68a", linewidth=0)
        figure.savefig(target, metadata={"Date": None}, bbox_inches="tight")


def draw_retrains(axis: Any, years: Sequence[dict[str, Any]], policies: Sequence[str]) -> None:
    """One row a policy, one mark a retrain, of all years; hollow: refused by the gate."""
    for place, name in enumerate(reversed(policies)):
        tried = [one for year in years if year["policy"] == name for one in year["retrains"]]
        for refused in (False, True):
            weeks = [week for week, state in tried if ("refused" in state) == refused]
            axis.scatter(
                weeks, [place] * len(weeks), s=14, color=LOOKS[name][0],
                facecolors="none" if refused else LOOKS[name][0],
            )  # fmt: skip
    axis.set_yticks(range(len(policies)), list(reversed(policies)))
    axis.set_xlabel("week; yellow: the unit bug; dotted: what inputs mean changes; marks: retrains")
