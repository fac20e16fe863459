"""Pictures of contributions: how much each feature moves answers, for whom, and along its values.

Figures are made without pyplot, as all are. Points are drawn as an image inside the figure, so
that thousands of them weigh little in a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from training.report.figures import legible, named_bars, shortened

if TYPE_CHECKING:  # it imports these pictures
    from training.explain import Explained

MOST_BARS, MOST_ROWS, MOST_EFFECTS = 15, 12, 6
SUMMARY_BINS, EFFECT_BINS = 60, 12
MOST_VALUES, MOST_CLASSES = 6, 5
WIDE, TALL = (8.0, 5.2), (9.6, 5.8)
BLUE, GREY, RED = "#2f6fb2", "#8a8f98", "#c44e52"
COLOURS = "coolwarm"

Floats = npt.NDArray[np.float64]


def importance_figure(found: Explained) -> Figure:
    """Share of each feature in all contributions; the line is from the least fold to the most."""
    top = found.ranked[:MOST_BARS][::-1]
    figure, ax = panel("What moves the answers", "share of all contributions")
    ax.barh(range(len(top)), found.shares[top], color=BLUE, alpha=0.75)
    named_bars(ax, names_of(found, top), size=8)
    if len(found.folds):
        low, high = found.folds[:, top].min(axis=0), found.folds[:, top].max(axis=0)
        ax.hlines(np.arange(len(top)), low, high, color="black", lw=1.5, label="over the folds")
        ax.legend(fontsize=8, loc="lower right")
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    return figure


def summary_figure(found: Explained) -> Figure:
    """Every row a point, by how much the feature moved its answer, coloured by its value."""
    top = found.ranked[:MOST_ROWS][::-1]
    many = found.parts.shape[1] > 1
    about = "the likeliest class" if many else "the answer"
    figure, ax = panel(
        f"How each feature moves {about}",
        "contribution (log-odds); grey: missing, or a category",
    )
    categories, answered = set(found.scorer.encoder.category_columns), found.answered()
    for y, i in enumerate(top):
        parts, values = answered[:, i], found.matrix[:, i]
        heights = y + stacked(parts)
        plain = np.isnan(values) | (i in categories)
        ax.scatter(parts[plain], heights[plain], s=5, c=GREY, lw=0, alpha=0.6, rasterized=True)
        ax.scatter(
            parts[~plain], heights[~plain], s=5, c=quantiles(values[~plain]), cmap=COLOURS,
            vmin=0, vmax=1, lw=0, rasterized=True,
        )  # fmt: skip
    ax.axvline(0, color=GREY, lw=0.8)
    named_bars(ax, names_of(found, top), size=8)
    figure.subplots_adjust(right=0.88)
    scale = figure.add_axes((0.9, 0.3, 0.015, 0.4))
    bar = figure.colorbar(ScalarMappable(cmap=COLOURS), cax=scale)
    bar.set_ticks([0, 1], labels=["low", "high"], fontsize=8)
    bar.ax.set_title("value", fontsize=8)
    return figure


def effects_figure(found: Explained) -> Figure:
    """Contribution against value of the foremost features, one panel each."""
    top = found.ranked[:MOST_EFFECTS]
    figure = Figure(figsize=TALL)
    figure.suptitle("Contribution along the values of the foremost features", fontsize=11)
    columns = min(3, len(top))
    rows = -(-len(top) // columns)
    for place, i in enumerate(top):
        ax = figure.add_subplot(rows, columns, place + 1)
        ax.axhline(0, color=GREY, lw=0.8)
        if i in found.scorer.encoder.category_columns:
            along_categories(ax, found, i)
        else:
            along_numbers(ax, found, i)
        ax.set_title(shortened(found.scorer.encoder.names[i]), fontsize=9)
        ax.tick_params(labelsize=7)
        if place % columns == 0:
            ax.set_ylabel("contribution (log-odds)", fontsize=8)
        if place == 0 and found.parts.shape[1] > 1:
            ax.legend(fontsize=6, loc="upper left")
    figure.subplots_adjust(left=0.08, right=0.98, bottom=0.09, top=0.88, wspace=0.24, hspace=0.42)
    return figure


def along_numbers(ax: Any, found: Explained, i: int) -> None:
    """Points and the medians over bins of equally many; missing values as a line across."""
    values = found.matrix[:, i]
    known = ~np.isnan(values)
    single = found.parts.shape[1] == 1
    if known.any():
        low, high = np.quantile(values[known], [0.01, 0.99])
        inside = known & (values >= low) & (values <= high)  # a few far values hide all others
        if single:
            ax.scatter(
                values[inside], found.parts[inside, 0, i], s=5, c=BLUE, lw=0, alpha=0.3,
                rasterized=True,
            )  # fmt: skip
        for k, label in margins(found):
            x, y = medians(values[inside], found.parts[inside, k, i])
            ax.plot(x, y, "-", lw=1.8, label=label, color="black" if single else None)
    if single and not known.all():
        level = float(found.parts[~known, 0, i].mean())
        ax.axhline(level, ls="--", color=RED, lw=1.2)
        ax.annotate(
            f"missing ({(~known).mean():.0%})", (0.99, level), xycoords=("axes fraction", "data"),
            fontsize=7, color=RED, ha="right", va="bottom",
        )  # fmt: skip


def along_categories(ax: Any, found: Explained, i: int) -> None:
    """Mean contribution of the commonest categories, with the middle nine tenths of the rows."""
    name = found.scorer.encoder.names[i]
    values = found.matrix[:, i]
    codes, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    commonest = codes[np.argsort(-counts, kind="stable")][:MOST_VALUES]
    shown = sorted(commonest, key=lambda code: -float(found.parts[values == code, 0, i].mean()))
    groups = [values == code for code in shown]
    words = [found.scorer.encoder.categories[name][int(code)][:12] for code in shown]
    if np.isnan(values).any():
        words, groups = [*words, "missing"], [*groups, np.isnan(values)]
    x = np.arange(len(groups), dtype=np.float64)
    drawn = margins(found)
    for place, (k, label) in enumerate(drawn):
        parts = [found.parts[group, k, i] for group in groups]
        spread = np.array([np.quantile(part, [0.05, 0.95]) for part in parts]).T
        shift = x + (place - (len(drawn) - 1) / 2) * 0.12
        (points,) = ax.plot(shift, [part.mean() for part in parts], "o", ms=4, label=label)
        ax.vlines(shift, *spread, color=points.get_color(), lw=1.2)
    ax.set_xticks(x, words, rotation=20 if max(map(len, words)) > 5 else 0)  # noqa: PLR2004  # letters


def margins(found: Explained) -> list[tuple[int, str | None]]:
    """(margin, its class) to be drawn: of many classes those that are moved most."""
    if found.parts.shape[1] == 1:
        return [(0, None)]
    sizes = np.abs(found.parts).mean(axis=(0, 2))
    order = np.sort(np.argsort(-sizes, kind="stable")[:MOST_CLASSES])
    return [(int(k), legible(found.scorer.classes[int(k)])) for k in order]


def medians(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Medians of bins of equally many points along x; equal x stay together."""
    edges = np.unique(np.quantile(x, np.linspace(0, 1, EFFECT_BINS + 1)))
    places = np.searchsorted(edges[1:-1], x, side="right")
    bins = np.unique(places)
    return (
        np.array([np.median(x[places == one]) for one in bins]),
        np.array([np.median(y[places == one]) for one in bins]),
    )


def stacked(parts: Floats) -> Floats:
    """Heights in ±0.4 that spread points of like contribution as wide as they are many."""
    span = float(np.ptp(parts)) or 1.0
    bins = np.floor((parts - parts.min()) / span * (SUMMARY_BINS - 1)).astype(np.int64)
    order = np.argsort(bins, kind="stable")
    starts = np.searchsorted(bins[order], bins[order])
    ranks = np.empty(len(parts))
    ranks[order] = np.arange(len(parts)) - starts
    counts = np.bincount(bins)
    return np.asarray((ranks - (counts[bins] - 1) / 2) / counts.max() * 0.8, dtype=np.float64)


def quantiles(values: Floats) -> Floats:
    """Place of each value among all, from 0 to 1; equal values have one."""
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values) + np.searchsorted(ordered, values, side="right")
    return np.asarray(below / max(2 * len(values), 1), dtype=np.float64)


def panel(title: str, x: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=WIDE)
    ax = figure.add_subplot()
    figure.subplots_adjust(left=0.3, right=0.96, bottom=0.11, top=0.92)
    ax.set_title(title, fontsize=11)
    ax.set_xlabel(x, fontsize=9)
    ax.tick_params(labelsize=8)
    return figure, ax


def names_of(found: Explained, places: Sequence[int]) -> list[str]:
    return [found.scorer.encoder.names[i] for i in places]
