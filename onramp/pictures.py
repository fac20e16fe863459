"""Pictures of a training set over time, as sources that a page holds in itself.

Drawn without a background, in ink that reads on paper and on a dark screen.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

MOST_BINS = 30
MOST_FEATURES = 60
INK = "#74808f"
INKED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
STYLE: dict[Any, Any] = {  # matplotlib types its 300 names one by one
    **dict.fromkeys(INKED, INK), "axes.facecolor": "none", "figure.facecolor": "none",
    "legend.frameon": False, "font.size": 9,
}  # fmt: skip
DAY = pd.Timedelta(days=1)
WEEK = pd.Timedelta(days=7)


def source_of(figure: Figure | None) -> str:
    """The figure as the source of an <img>; empty where there is nothing to draw."""
    if figure is None:
        return ""
    held = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(held, format="svg", metadata={"Date": None, "Creator": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(held.getvalue()).decode()}"


def balance_figure(frame: pd.DataFrame) -> Figure:
    """Share of each answer among the moments of each time, and how many moments there were."""
    time = bins_of(frame["event_timestamp"])
    counts = pd.crosstab(time, frame["label"].astype(str))
    shares = counts.div(counts.sum(axis=1), axis=0)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 4))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        bottom = np.zeros(len(shares))
        places = np.arange(len(shares))
        for answer in shares:
            above.bar(places, shares[answer], bottom=bottom, width=0.9, label=answer)
            bottom += shares[answer].to_numpy()
        above.set(ylabel="share", ylim=(0, 1), title="answers by time of the moment")
        above.legend(loc="upper left", bbox_to_anchor=(1, 1))
        below.bar(places, counts.sum(axis=1), width=0.9, color=INK)
        below.set(ylabel="rows")
        name_times(below, list(counts.index))
        figure.subplots_adjust(left=0.07, right=0.87, bottom=0.16, top=0.92)
    return figure


def missing_figure(frame: pd.DataFrame, names: Sequence[str]) -> Figure | None:
    """Share missing of each feature: by time of the moment, and by days since sign-up.

    The features with the most missing are drawn; None where none has any.
    """
    gaps = frame[list(names)].isna()
    shares = gaps.mean().loc[lambda share: share > 0].sort_values(ascending=False, kind="stable")
    drawn = list(shares.index[:MOST_FEATURES])
    if not drawn:
        return None
    since = frame["event_timestamp"] - frame["signed_up_at"]
    ages = since.dt.total_seconds().div(DAY.total_seconds()).round().astype(int)
    by_time = gaps[drawn].groupby(bins_of(frame["event_timestamp"])).mean().T
    by_age = gaps[drawn].groupby(ages.rename("age")).mean().T
    with mpl.rc_context(STYLE):
        height = 1.6 + 0.2 * len(drawn)
        figure = Figure(figsize=(11, height))
        widths = (3, 1)
        times, days = figure.subplots(1, 2, sharey=True, width_ratios=widths)
        image = times.imshow(by_time, aspect="auto", vmin=0, vmax=1, cmap="cividis_r")
        days.imshow(by_age, aspect="auto", vmin=0, vmax=1, cmap="cividis_r")
        times.set_yticks(range(len(drawn)), drawn)
        times.set_title("by time of the moment")
        name_times(times, list(by_time.columns))
        days.set_xticks(range(len(by_age.columns)), [str(age) for age in by_age.columns])
        days.set(title="by days since sign-up")
        figure.subplots_adjust(
            left=0.22, right=0.92, bottom=0.75 / height, top=1 - 0.4 / height, wspace=0.04
        )
        figure.colorbar(image, ax=[times, days], label="share missing", pad=0.01, fraction=0.03)
    return figure


def bins_of(times: pd.Series[pd.Timestamp]) -> pd.Series[pd.Timestamp]:
    """The beginning of the bin of each time: weeks, or wider where that were too many."""
    first = times.min().floor("D")
    days = max(1, (times.max() - first) / DAY)
    width = WEEK * int(np.ceil(days / 7 / MOST_BINS))
    return (first + ((times - first) // width) * width).rename("time")


def name_times(axes: Axes, times: Sequence[Any]) -> None:
    """Name every few of the bins by the day on which it begins."""
    every = max(1, len(times) // 8)
    places = range(0, len(times), every)
    axes.set_xlim(-0.5, len(times) - 0.5)
    axes.set_xticks(list(places), [f"{times[place]:%Y-%m-%d}" for place in places], rotation=20)
