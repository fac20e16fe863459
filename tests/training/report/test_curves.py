"""Pictures of whom to contact show the numbers, by their lines."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from lifecycle.costs import Costs
from training.gains import Gains, deciles, gains_of, worth_of
from training.report.curves import gains_figure, lift_figure, ranks_figure, value_figure

COSTS = Costs(offer=2.0, saved=40.0, accepted=0.15, currency="EUR")


@pytest.fixture(scope="module")
def gains() -> Gains:
    rng = np.random.default_rng(0)
    yes = rng.beta(1, 2, 1_000)
    return gains_of((rng.random(1_000) < yes).astype(np.int64), np.column_stack([1 - yes, yes]))


def line(figure: Figure, label: str) -> np.ndarray:
    """(x, y) of the line of that name, shape (points, 2)."""
    (found,) = [one for one in figure.axes[0].lines if one.get_label() == label]
    return np.asarray(found.get_xydata())


def test_gains_run_from_nothing_to_everything(gains: Gains) -> None:
    """The model's curve lies between chance and knowing everything; rivals are named."""
    figure = gains_figure(gains, {"logistic_regression": gains}, 0.4, "leavers")
    x, y = line(figure, "this model").T
    assert (x[0], y[0], x[-1], y[-1]) == pytest.approx((0, 0, 1, 1))
    known = line(figure, "knowing everything")
    assert (y <= np.interp(x, *known.T) + 1e-9).all()
    assert (y >= x - 0.02).all()
    assert line(figure, "logistic regression") == pytest.approx(np.column_stack([x, y]))
    assert figure.axes[0].get_ylabel() == "share of the leavers reached"


def test_lift_bars_are_the_tenths(gains: Gains) -> None:
    """Ten bars of the tenths' lift, and the whole has lift one."""
    lifts = [one.lift for one in deciles(gains, None)]
    figure = lift_figure(gains, lifts)
    assert [bar.get_height() for bar in figure.axes[0].patches] == pytest.approx(lifts)
    assert line(figure, "all up to here")[-1] == pytest.approx((1, 1))


def test_value_is_money_for_a_thousand(gains: Gains) -> None:
    """The curve's end is what everybody brings; the unit is on the axis."""
    worth = worth_of(gains, COSTS, 1 / 3, None, 0)
    figure = value_figure(gains, COSTS, 0.4, worth)
    assert line(figure, "as it came")[-1, 1] == pytest.approx(1_000 * worth.everybody.value)
    assert line(figure, "as promised")[-1, 1] == pytest.approx(1_000 * gains.promised(COSTS)[-1])
    assert figure.axes[0].get_ylabel() == "value for 1,000 rows, EUR"


def test_ranks_have_one_line_a_system() -> None:
    """Shares by how many are shown."""
    figure = ranks_figure({"this model": [0.5, 0.8, 1.0], "popularity": [0.3, 0.6, 1.0]})
    assert line(figure, "this model").tolist() == [[1, 0.5], [2, 0.8], [3, 1.0]]
    assert line(figure, "popularity")[0].tolist() == [1, 0.3]
