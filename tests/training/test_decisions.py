"""The section on decisions says what the numbers say, in words that a marketer reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifecycle.costs import Costs
from lifecycle.gate import Gate
from lifecycle.label import Does, Inactive, MostTaken
from lifecycle.space import Search
from lifecycle.task import Task
from training.decisions import Context, decision_section

COSTS = Costs(offer=2.0, saved=40.0, accepted=0.15, currency="EUR")
CHURN = Task(
    name="churn", question="Gone?", label=Inactive(), horizon_days=7,
    search=Search(spaces={}), gate=Gate(rules=()), costs=COSTS,
)  # fmt: skip


def draw(n: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    yes = rng.beta(1, 2, n)
    return (rng.random(n) < yes).astype(np.int64), np.column_stack([1 - yes, yes])


def test_money_is_told_as_it_came() -> None:
    """Words, table and metrics agree with counting offers and leavers by hand."""
    labels, p = draw()
    context = Context(rivals={"prior": p, "logistic_regression": p})
    found = decision_section(CHURN, labels, p, COSTS.threshold, context)
    offered = p[:, 1] >= COSTS.threshold
    per_thousand = (6 * labels[offered].sum() - 2 * offered.sum()) / 600 * 1_000
    assert found.metrics["value_per_1000"] == pytest.approx(per_thousand)
    assert found.metrics["contacted"] == pytest.approx(offered.mean())
    assert found.metrics["right"] == pytest.approx(labels[offered].mean())
    assert found.metrics["reached"] == pytest.approx(labels[offered].sum() / labels.sum())
    assert f"brings {per_thousand:.0f} EUR for 1,000 of them" in found.words
    assert f"reaches {offered.mean():.1%} of the customers" in found.words
    rows = {row[0]: row for row in found.tables["decisions"].rows}
    assert list(rows) == [
        "nobody", "everybody", "from 0.3333 on", "the best share, with hindsight"
    ]  # fmt: skip
    assert rows["from 0.3333 on"][4] == pytest.approx(per_thousand, abs=0.01)
    assert rows["nobody"][1:5] == (0.0, 0.0, None, 0.0)
    assert found.metrics["value_best_per_1000"] >= found.metrics["value_per_1000"]
    assert [name for name, _ in found.figures] == ["gains", "lift", "value"]
    lines = [line.get_label() for line in found.figures[0][1].axes[0].lines]
    assert "logistic regression" in lines
    assert "prior" not in lines
    assert found.warnings == ()


def test_the_tenths_are_a_table() -> None:
    """Ten rows under their columns, the likeliest first."""
    labels, p = draw()
    table = decision_section(CHURN, labels, p, 0.5).tables["by tenth"]
    assert table.columns == (
        "tenth", "customers", "leavers", "share", "said", "lift", "gain so far", "value EUR"
    )  # fmt: skip
    assert [row[0] for row in table.rows] == list(range(1, 11))
    top = np.argsort(-p[:, 1])[:60]
    assert table.rows[0][2] == labels[top].sum()


def test_without_costs_no_money_is_made_up() -> None:
    """Lift and gain are told, and how to see money; other tasks have no leavers."""
    labels, p = draw()
    found = decision_section(replace(CHURN, costs=None, label=Does("buy")), labels, p, 0.5)
    offered = p[:, 1] >= 0.5
    assert f"yes from 0.500 on: {offered.mean():.1%} of the customers, of whom " in found.words
    assert "yeses" in found.words
    assert "leavers" not in found.words
    assert "State `costs` in the task" in found.words
    assert list(found.tables) == ["by tenth"]
    assert [name for name, _ in found.figures] == ["gains", "lift"]
    assert not any("value" in name for name in found.metrics)


def test_a_threshold_that_nobody_reaches_is_said() -> None:
    """No division by nobody."""
    labels, p = draw()
    found = decision_section(replace(CHURN, costs=None), labels, p, 1.0)
    assert "which none of the customers reaches" in found.words
    assert "right" not in found.metrics


def test_moments_of_a_customer_are_not_called_customers() -> None:
    """Several rows of one entity are its moments."""
    labels, p = draw()
    found = decision_section(CHURN, labels, p, 0.5, Context(entities=np.arange(600) // 3))
    assert "of the moments" in found.words


def test_a_model_that_loses_money_is_a_warning() -> None:
    """Turned around, acting on it is worse than leaving everybody alone; that is said on top."""
    labels, p = draw(2_000)
    dear = replace(CHURN, costs=replace(COSTS, offer=3.0))
    (warning,) = decision_section(dear, labels, p[:, ::-1], 0.5).warnings
    assert warning.startswith("Acting on the model brings ")
    assert warning.endswith("less for 1,000 customers than making no offer.")
    cheap = replace(CHURN, costs=replace(COSTS, offer=0.1))
    (warning,) = decision_section(cheap, labels, p[:, ::-1], 0.5).warnings
    assert warning.endswith("than making the offer to all.")


@pytest.mark.parametrize("label", [Inactive(), MostTaken()])
def test_no_rows_are_no_crash(label: Inactive | MostTaken) -> None:
    """Without a test there is nothing to measure, and the section says so."""
    task = replace(CHURN, label=label, costs=None)
    found = decision_section(task, np.array([], dtype=np.int64), np.empty((0, 2)), 0.5)
    assert found.words == "No rows were held out to measure value on."


def test_one_class_is_no_crash() -> None:
    """Nothing can be ranked where all are alike."""
    p = np.full((5, 2), 0.5)
    found = decision_section(CHURN, np.ones(5, dtype=np.int64), p, 0.5)
    assert "all of one class" in found.words


def test_same_rows_same_section() -> None:
    """The bootstrap is seeded."""
    labels, p = draw()
    one, two = (decision_section(CHURN, labels, p, 0.4) for _ in range(2))
    assert (one.words, one.metrics) == (two.words, two.metrics)
