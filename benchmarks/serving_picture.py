"""The picture of `benchmarks/serving.md`: requests a second and p50, by connections."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving_peers import FLOOR, MLFLOW, ONRAMP
from benchmarks.serving_results import Results

LOOKS = {
    MLFLOW: ("plain mlflow models serve", "#475569", "o-"),
    FLOOR: ("floor: the booster alone", "#94a3b8", "D--"),
    ONRAMP: ("Onramp", "#c2410c", "s-"),
}
PANELS = (
    ("none", "rows", 1, "1 row, /invocations"),
    ("none", "rows", 100, "100 rows, /invocations"),
    ("sqlite", "customers", 1, "1 customer, SQLite"),
    ("redis", "customers", 1, "1 customer, Redis"),
)


def draw(results: Results, target: Path) -> None:
    """Write the picture as SVG, the same bytes from the same results."""
    with mpl.rc_context({"svg.hashsalt": "onramp", "font.size": 9}):
        figure = Figure(figsize=(12, 5.6), layout="constrained", facecolor="white")
        axes = figure.subplots(2, len(PANELS), sharex=True)
        for place, (*asked, title) in enumerate(PANELS):
            for axis, number in zip(axes[:, place], ("rate", "p50"), strict=True):
                curves(axis, results, asked, number)
            axes[0, place].set_title(title)
            axes[1, place].set_xlabel("connections")
        axes[0, 0].set_ylabel("requests a second")
        axes[1, 0].set_ylabel("p50, ms")
        axes[0, 0].legend(fontsize=8)
        figure.savefig(target, metadata={"Date": None})


def curves(axis: Any, results: Results, asked: list[Any], number: str) -> None:
    """One line a system, both axes logarithmic."""
    cells = results.cells()
    for system, (label, colour, look) in LOOKS.items():
        points = [
            (cell.connections, getattr(one, number))
            for cell, one in cells.items()
            if [cell.system, *cell[1:4]] == [system, *asked]
        ]
        if points:
            axis.plot(*zip(*points, strict=True), look, color=colour, markersize=4, label=label)
    places = results.connections()
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(places, [f"{n}" for n in places])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.grid(axis="y", alpha=0.3)
