"""Pictures are drawn for two classes and for more, even where a class is absent."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib import pyplot as plt

from training.report.figures import evaluation_figures, history_figure, importance_figure


@pytest.mark.parametrize("classes", [2, 4])
def test_every_picture_can_be_drawn(classes: int) -> None:
    """Each is a PNG, names its axes, and leaves no figure open."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 100)  # with four classes, two never occur
    p = rng.dirichlet(np.ones(classes), 100)
    drawn = dict(evaluation_figures([f"c{i}" for i in range(classes)], labels, p))
    assert set(drawn) == {"roc", "precision_recall", "calibration"}
    for figure in drawn.values():
        sink = io.BytesIO()
        figure.savefig(sink, format="png")
        assert sink.getvalue()[:4] == b"\x89PNG"
        assert figure.axes[0].get_xlabel()
        assert figure.axes[0].lines
    assert plt.get_fignums() == []


def test_the_history_shows_the_best_so_far() -> None:
    """The step line only improves; pruned trials leave a gap."""
    figure = history_figure([0.5, None, 0.6, 0.4], "log_loss", higher=False)
    best = np.asarray(figure.axes[0].lines[1].get_ydata(), dtype=float)
    assert best.tolist() == [0.5, 0.5, 0.5, 0.4]


def test_importance_shows_the_largest_on_top() -> None:
    """Shares of the whole, the largest last drawn."""
    figure = importance_figure({"a": 3.0, "b": 1.0})
    assert [bar.get_width() for bar in figure.axes[0].patches] == [0.25, 0.75]


def test_long_names_are_shortened_and_never_share_a_bar() -> None:
    """Two names that differ in the middle only are two bars, and the window at the end is read."""
    names = [f"{'watched_minutes_of_' * 2}{kind}_by_day_last_28d" for kind in ("films", "series")]
    figure = importance_figure(dict.fromkeys(names, 1.0))
    assert [bar.get_y() for bar in figure.axes[0].patches] == [-0.4, 0.6]
    told = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert all(len(text) <= 32 and text.endswith("_last_28d") for text in told)


def test_a_class_of_any_name_is_in_the_legend() -> None:
    """One that begins with an underscore would be left out."""
    labels, p = np.array([0, 1, 2, 0, 1, 2]), np.full((6, 3), 1 / 3)
    figure = dict(evaluation_figures(["_other", "a", "b"], labels, p))["roc"]
    told = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert [text.split()[0] for text in told] == ["_other", "a", "b"]
