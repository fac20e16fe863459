"""Pictures of behaviour segments. Pure: values in, matplotlib figures out, without pyplot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from segments.behaviour_model import BehaviourModel, Labels, Matrix
from segments.behaviour_report import Candidate
from segments.clusterings import sample
from segments.quality import STABLE

DOTS = 2_000
PALETTE = "tab10"
# Cells beyond this many standard deviations are dark.
DARK = 1.4


def pictures(
    model: BehaviourModel, x: Matrix, labels: Labels, candidates: Sequence[Candidate]
) -> Iterator[tuple[str, Figure]]:
    """Each picture of a fit, by name.

    Args:
        model: what was fitted.
        x: the customers in the model's space.
        labels: their segments, by position.
        candidates: everything that was tried.
    """
    yield "segments", map_figure(model, x, labels)
    yield "profiles", profile_figure(model)
    yield "candidates", candidates_figure(candidates)


def map_figure(model: BehaviourModel, x: Matrix, labels: Labels) -> Figure:
    """Customers on the two directions in which they differ most, coloured by segment."""
    some = sample(np.column_stack([x, labels]), DOTS, seed=0)
    flat, of = some[:, :-1], some[:, -1].astype(int)
    axes_of = PCA(min(2, flat.shape[1]), svd_solver="full").fit(flat)
    at = axes_of.transform(flat)
    # One column alone is drawn on a line.
    at = np.column_stack([at, np.zeros(len(at))])[:, :2]
    figure = Figure(figsize=(7.5, 5.0))
    ax = figure.add_subplot()
    for n, segment in enumerate(model.segments):
        share = segment.size / sum(one.size for one in model.segments)
        dots = at[of == n]
        colour = colormaps[PALETTE](n)
        label = f"{segment.name} ({share:.0%})"
        ax.scatter(dots[:, 0], dots[:, 1], s=8, alpha=0.5, color=colour, label=label)
    shown = axes_of.explained_variance_ratio_.sum()
    ax.set(title=f"Behaviour segments ({shown:.0%} of the differences shown)",
           xlabel="first direction", ylabel="second direction")  # fmt: skip
    ax.legend(fontsize=7, markerscale=2)
    figure.subplots_adjust(left=0.09, right=0.97, bottom=0.11, top=0.92)
    return figure


def profile_figure(model: BehaviourModel) -> Figure:
    """Each segment's mean of each feature, in standard deviations from all customers' mean."""
    z = np.array(
        [[(s.means[c.key] - c.mean) / c.sd for c in model.columns] for s in model.segments]
    )
    figure = Figure(figsize=(8.0, 1.6 + 0.5 * len(z)))
    ax = figure.add_subplot()
    image = ax.imshow(z, cmap="RdBu_r", vmin=-2, vmax=2, aspect="auto")
    ax.set_xticks(range(len(model.columns)), model.features, rotation=40, ha="right", fontsize=7)
    ax.set_yticks(range(len(z)), model.names, fontsize=7)
    for (row, column), value in np.ndenumerate(z):
        ink = "white" if abs(value) > DARK else "black"
        ax.text(column, row, f"{value:+.1f}", ha="center", va="center", fontsize=6, color=ink)
    figure.colorbar(image, label="standard deviations")
    figure.subplots_adjust(left=0.28, right=1.0, bottom=1.2 / figure.get_figheight(), top=0.95)
    return figure


def candidates_figure(candidates: Sequence[Candidate]) -> Figure:
    """Silhouette and stability by number of segments, one line an algorithm."""
    figure = Figure(figsize=(9.0, 4.0))
    left, right = figure.subplots(1, 2)
    names = list(dict.fromkeys(one.algorithm for one in candidates))
    for name in names:
        of = [one for one in candidates if one.algorithm == name]
        ks = [one.k for one in of]
        left.plot(ks, [one.silhouette for one in of], "o-", ms=4, label=name)
        right.plot(ks, [one.stability for one in of], "o-", ms=4, label=name)
    clouds = dict(sorted((one.k, one.cloud) for one in candidates))
    left.plot(list(clouds), list(clouds.values()), ":", color="grey", label="no segments at all")
    right.axhline(STABLE, ls=":", color="grey", label="least")
    for one in candidates:
        if one.verdict == "chosen":
            left.plot(one.k, one.silhouette, "*", ms=14, color="black", label="chosen")
    left.set(title="Silhouette", xlabel="segments")
    right.set(title="Stability (adjusted Rand index of resamples)", xlabel="segments")
    left.legend(fontsize=7)
    right.legend(fontsize=7)
    figure.subplots_adjust(left=0.06, right=0.98, bottom=0.12, top=0.91)
    return figure
