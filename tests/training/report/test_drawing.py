"""Figures become bytes: small, and always the same."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread

from training.report.drawing import draw, picture, sheet
from training.report.figures import axes, importance_figure
from training.report.section import Section


def swarm(points: int) -> Figure:
    figure, ax = axes("Contributions", "contribution", "")
    ax.scatter(*np.random.default_rng(0).normal(size=(2, points)))
    return figure


def test_thousands_of_points_are_a_small_picture() -> None:
    """A page with a swarm in it is no page of megabytes; the picture says what it shows."""
    heavy = picture("s", "heavy", swarm(20_000))
    assert heavy.source.startswith("data:image/png;base64,")
    assert len(heavy.source) < 400_000
    assert heavy.alt == "Contributions"


def test_a_figure_of_several_pictures_gets_the_whole_width() -> None:
    """In half of it, nobody could read it."""
    assert picture("s", "several", Figure(figsize=(11, 4))).wide
    assert not picture("s", "one", Figure(figsize=(6, 4.5))).wide


def test_the_same_figure_is_the_same_bytes() -> None:
    """A report of the same training is the same report."""
    one, other = (picture("s", "gain", importance_figure({"a": 1.0, "b": 2.0})) for _ in range(2))
    assert one == other


def test_a_sheet_shows_the_first_picture_of_each_section() -> None:
    """Twelve at most, in three columns, none drawn twice or stretched."""
    sections = [
        Section(
            name=f"s{i}", title="", words="",
            figures=tuple((f"f{j}", importance_figure({"a": 1.0})) for j in range(1 + i % 2)),
        )
        for i in range(3)
    ]  # fmt: skip
    pictures = draw(sections)
    one = imread(io.BytesIO(pictures[0].png), format="png")
    whole = imread(io.BytesIO(sheet("churn", pictures)), format="png")
    assert whole.shape[1] == 3 * (one.shape[1] + 16) + 16
    assert whole.shape[0] == 60 + 2 * (one.shape[0] + 16) + 16
    left, top = 16, 60
    np.testing.assert_allclose(
        whole[top : top + one.shape[0], left : left + one.shape[1], :3], one[..., :3], atol=0.01
    )


def test_a_sheet_of_nothing_is_a_sheet() -> None:
    """A training without a picture still has its file."""
    assert sheet("churn", ())[:4] == b"\x89PNG"


def test_no_name_is_a_formula_or_a_warning() -> None:
    """A column may hold dollars, and letters that the font lacks."""
    odd = {"US$_a and AU$_{x$": 2.0, "\u5e74\u9f62": 1.0}
    assert picture("s", "gain", importance_figure(odd)).png
