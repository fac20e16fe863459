"""Calibration curves: the bins of the metric, with honest intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve

from lifecycle.version_files import reference
from tests.training.promotion.side_by_side.conftest import Two
from training.promotion.side_by_side.curves import curve, on_own_rows, told
from training.promotion.side_by_side.values import Comparison

RNG = np.random.default_rng(0)
SAID = RNG.random(400)
HIT = (RNG.random(400) < SAID).astype(float)
ALONE = pd.Series([f"c{i}" for i in range(400)])


def test_bins_are_those_of_scikit_learn() -> None:
    """Of rows without ties that ten divides, by quantiles."""
    happened, said = calibration_curve(HIT, SAID, n_bins=10, strategy="quantile")
    found = curve(7, "", (SAID, HIT), ALONE)
    assert [one.rows for one in found.bins] == [40] * 10
    assert [one.said for one in found.bins] == pytest.approx(said.tolist())
    assert [one.happened for one in found.bins] == pytest.approx(happened.tolist())
    assert found.ece == pytest.approx(np.abs(happened - said).mean())


def test_intervals_grow_where_rows_are_not_witnesses_of_their_own() -> None:
    """Rows of one row each have the binomial error; ten rows of one customer are not ten."""
    (single,) = curve(7, "", (np.full(9, 0.5), HIT[:9]), ALONE[:9]).bins[:1]
    assert single.rows == 1
    assert (single.low, single.high) == (0.0, 1.0)
    happened = np.repeat([0.0, 1.0] * 20, 10)
    said = np.full(400, 0.5)
    together = curve(7, "", (said, happened), pd.Series(np.repeat(ALONE[:40].to_numpy(), 10)))
    apart = curve(7, "", (said, happened), ALONE)
    width = [one.bins[3].high - one.bins[3].low for one in (together, apart)]
    assert apart.bins[3].happened == 0.5
    assert width[1] == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 39), rel=0.02)
    assert width[0] > 2 * width[1]


def test_curves_have_the_error_of_the_metric(found: Comparison) -> None:
    """`ece` of the table is that of the curve: one measure, in two places."""
    assert found.same_rows is not None
    (ece,) = [one for one in found.same_rows.metrics if one.metric == "ece"]
    assert [one.ece for one in found.calibration] == pytest.approx([ece.first, ece.second])
    assert [one.version for one in found.calibration] == [1, 2]


def test_several_classes_are_asked_for_their_answer() -> None:
    """The likeliest class's own probability, and whether it was right."""
    p = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])
    said, hit = told("multiclass", np.array([1, 2]), p)
    assert said.tolist() == [0.5, 0.6]
    assert hit.tolist() == [1.0, 0.0]


def test_without_common_rows_each_has_its_own(two: Two) -> None:
    """The sample of test rows that each version carries, as it answered then."""
    one, _ = on_own_rows(two.entrants)
    rows = reference(two.entrants[0].folder)
    assert one.rows == len(rows)
    assert np.mean([part.said for part in one.bins]) == pytest.approx(
        rows["prediction"].mean(), abs=0.01
    )
