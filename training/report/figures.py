"""Pictures of a trained candidate. Pure: values in, matplotlib figures out.

Figures are made without pyplot, which would keep each one alive in a global list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_curve

from lifecycle.metrics import BINS, Labels
from training.model import Matrix

MOST_CLASSES = 8
MOST_FEATURES = 20
BINARY = 2
SIZE = (6.0, 4.5)
BEGINNING, END = 18, 13  # letters kept of a longer name: windows are told at its end
OUT_OF_TIME = "the out-of-time test"


def evaluation_figures(
    classes: Sequence[str], labels: Labels, probabilities: Matrix, where: str = OUT_OF_TIME
) -> Iterator[tuple[str, Figure]]:
    """ROC, precision-recall and calibration curves; one line a class beyond two classes."""
    shown = curves(classes, labels, probabilities)
    yield "roc", roc_figure(shown, where)
    yield "precision_recall", pr_figure(shown, where)
    yield "calibration", calibration_figure(shown, where)


Curve = tuple[str, Labels, Matrix]


def curves(classes: Sequence[str], labels: Labels, probabilities: Matrix) -> list[Curve]:
    """(name, is it this class, its probability) for each class to be drawn."""
    if len(classes) == BINARY:
        return [(legible(classes[1]), (labels == 1).astype(np.int64), probabilities[:, 1])]
    found = [
        (legible(name), (labels == one).astype(np.int64), probabilities[:, one])
        for one, name in enumerate(classes)
    ]
    drawable = [curve for curve in found if 0 < curve[1].sum() < len(labels)]
    return sorted(drawable, key=lambda curve: -int(curve[1].sum()))[:MOST_CLASSES]


def axes(title: str, x: str, y: str, left: float = 0.12) -> tuple[Figure, Any]:
    figure = Figure(figsize=SIZE)
    ax = figure.add_subplot()
    # by hand: matplotlib's own layouts draw everything twice
    figure.subplots_adjust(left=left, right=0.97, bottom=0.12, top=0.92)
    ax.set(title=title, xlabel=x, ylabel=y)
    return figure, ax


def roc_figure(shown: Sequence[Curve], where: str = OUT_OF_TIME) -> Figure:
    figure, ax = axes(f"ROC on {where}", "false positive rate", "true positive rate")
    for name, truth, p in shown:
        if 0 < truth.sum() < len(truth):
            fpr, tpr, _ = roc_curve(truth, p)
            ax.plot(fpr, tpr, label=f"{name} ({np.trapezoid(tpr, fpr):.3f})")
    ax.plot([0, 1], [0, 1], ":", color="grey")
    return legend(figure, ax)


def pr_figure(shown: Sequence[Curve], where: str = OUT_OF_TIME) -> Figure:
    figure, ax = axes(f"Precision and recall on {where}", "recall", "precision")
    for name, truth, p in shown:
        if truth.sum():
            precision, recall, _ = precision_recall_curve(truth, p)
            (line,) = ax.plot(recall, precision, label=name)
            ax.axhline(truth.mean(), ls=":", color=line.get_color())
    ax.set_ylim(0, 1.02)
    return legend(figure, ax)


def calibration_figure(shown: Sequence[Curve], where: str = OUT_OF_TIME) -> Figure:
    figure, ax = axes(f"Calibration on {where}", "probability said", "share that happened")
    for name, truth, p in shown:
        bins = np.array_split(np.argsort(p, kind="stable"), min(BINS, len(p)))
        said, happened = [p[b].mean() for b in bins], [truth[b].mean() for b in bins]
        ax.plot(said, happened, "o-", label=name)
    ax.plot([0, 1], [0, 1], ":", color="grey")
    return legend(figure, ax)


def importance_figure(importance: Mapping[str, float]) -> Figure:
    """The features that the booster gained most from, the largest on top."""
    top = list(importance.items())[:MOST_FEATURES][::-1]
    total = sum(importance.values()) or 1.0
    figure, ax = axes("Feature importance", "share of total gain", "", left=0.42)
    ax.barh(range(len(top)), [gain / total for _, gain in top])
    named_bars(ax, [name for name, _ in top], size=7)
    return figure


def named_bars(ax: Any, names: Sequence[str], size: float) -> None:
    """Names beside bars at 0, 1, …: by place, since shortened names may be equal."""
    ax.set_yticks(range(len(names)), [shortened(name) for name in names], fontsize=size)


def shortened(name: str) -> str:
    """A name that fits beside a bar."""
    if len(name) <= BEGINNING + 1 + END:
        return name
    return f"{name[:BEGINNING]}…{name[-END:]}"


def history_figure(values: Sequence[float | None], metric: str, *, higher: bool) -> Figure:
    """Every complete trial and the best so far; a gap is a pruned trial."""
    scores = np.array([np.nan if value is None else value for value in values], dtype=float)
    best = np.fmax.accumulate(scores) if higher else np.fmin.accumulate(scores)
    figure, ax = axes("Optimisation history", "trial", f"{metric}, out of fold")
    ax.plot(np.arange(len(scores)), scores, "o", alpha=0.5, label="trial")
    ax.step(np.arange(len(scores)), best, where="post", label="best so far")
    return legend(figure, ax)


def legible(name: str) -> str:
    """A name for a legend, which leaves out those that begin with an underscore."""
    return f" {name}" if name.startswith("_") else name


def legend(figure: Figure, ax: Any) -> Figure:
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize=8)
    return figure
