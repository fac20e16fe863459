"""Pictures are drawn from values alone, and leave nothing open."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from matplotlib import pyplot as plt

from segments.behaviour_model import BehaviourModel
from segments.picture import pictures, profile_figure
from tests.segments.test_behaviour_model import MODEL, column, segment
from tests.segments.test_quality import GOOD

ONE_COLUMN = replace(
    MODEL, columns=(column("a"),), segments=(segment("low", -1.0), segment("high", 1.0))
)
TRIED = (replace(GOOD, verdict="chosen"), replace(GOOD, k=4, silhouette=float("nan")))


@pytest.mark.parametrize("model", [MODEL, ONE_COLUMN], ids=["two columns", "one column"])
def test_three_pictures(model: BehaviourModel) -> None:
    """A map, profiles and what was tried; each can be saved, and pyplot holds none."""
    x = np.random.default_rng(0).normal(size=(50, len(model.columns)))
    drawn = dict(pictures(model, x, np.arange(50) % 2, TRIED))
    assert list(drawn) == ["segments", "profiles", "candidates"]
    for figure in drawn.values():
        figure.savefig(BytesIO(), format="png")
    assert plt.get_fignums() == []


def test_the_profile_shows_each_difference() -> None:
    """One number a segment and feature, in standard deviations, under the names in force."""
    axes = profile_figure(MODEL).axes[0]
    assert [text.get_text() for text in axes.texts] == ["+0.0", "+0.0", "+5.0", "+5.0"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["near", "far"]
