"""A task is adapted to a data set, or the error says what is lacking."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from typing import Any

import pytest

from lifecycle.costs import Costs
from lifecycle.dataset import DataSet, TaskChoice, Vocabulary
from lifecycle.errors import Unsupported, UsageError
from lifecycle.gate import AtLeast, Gate, NotWorse
from lifecycle.label import Does, Inactive, MostTaken
from lifecycle.space import Search
from lifecycle.task import Task, for_dataset

TASK = Task(
    name="churn", question="?", label=Inactive(), horizon_days=14,
    search=Search(spaces={}), gate=Gate(rules=()),
)  # fmt: skip
SHOP = DataSet(
    name="shop", title="A shop", source="made up",
    vocabulary=Vocabulary(events=("visit", "buy"), content={"visit": "page"}),
)  # fmt: skip


def test_a_task_is_frozen() -> None:
    """A task never changes; a change makes a new one."""
    with pytest.raises(FrozenInstanceError):
        TASK.horizon_days = 7  # type: ignore[misc]  # that is the claim
    assert replace(TASK, horizon_days=7).horizon == timedelta(days=7)


@pytest.mark.parametrize(
    ("label", "kind"),
    [(Inactive(), "binary"), (Does("buy"), "binary"), (MostTaken(), "multiclass")],
)
def test_kind(label: Inactive | Does | MostTaken, kind: str) -> None:
    """What is asked decides how many classes there are."""
    assert replace(TASK, label=label).kind == kind


def test_as_the_data_set_asks_it() -> None:
    """A data set may change moments and horizon, and nothing else of the task."""
    choice = SHOP.model_copy(update={"tasks": {"churn": TaskChoice(moments=(7,), horizon_days=90)}})
    assert for_dataset(TASK, choice) == replace(TASK, moments=(7,), horizon_days=90)
    assert for_dataset(TASK, SHOP) == TASK


@pytest.mark.parametrize(
    ("said", "own", "holds"),
    [(None, "required", "required"), ("required", "automatic", "required"),
     ("automatic", "required", "automatic")],
)  # fmt: skip
def test_the_data_set_may_ask_for_a_person(said: Any, own: Any, holds: str) -> None:
    """A task is approved by a person where its data set, or else it itself, asks for one."""
    shop = SHOP.model_copy(update={"tasks": {"churn": TaskChoice(approval=said)}})
    assert for_dataset(replace(TASK, approval=own), shop).approval == holds
    assert TASK.approval == "automatic"


def test_a_data_set_may_ask_more_of_the_gate() -> None:
    """Its floors take the place of the task's, and a floor of nothing is not passed over."""
    task = replace(TASK, gate=Gate(rules=(AtLeast("roc_auc", 0.55), NotWorse("roc_auc", 0.01))))
    asked = SHOP.model_copy(update={"tasks": {"churn": TaskChoice(floors={"roc_auc": 0.75})}})
    rules = for_dataset(task, asked).gate.rules
    assert rules == (AtLeast("roc_auc", 0.75), NotWorse("roc_auc", 0.01))
    with pytest.raises(UsageError, match="another bound of 'roc_auc'"):
        for_dataset(TASK, asked)


def test_the_question_names_the_horizon_that_the_data_set_gives() -> None:
    """Nobody reads of 14 days where the label looks 60 days ahead; other braces stay."""
    task = replace(TASK, question="Gone {so} in {days} days?", horizon_days=14)
    assert task.asked == "Gone {so} in 14 days?"
    assert replace(task, horizon_days=60).asked == "Gone {so} in 60 days?"


@pytest.mark.parametrize(
    ("label", "why"),
    [
        (Does("bye"), "It has no event 'bye'; it has visit, buy."),
        (MostTaken(), "names 1 content types (page); at least 2 are needed."),
    ],
)
def test_lacking(label: Does | MostTaken, why: str) -> None:
    """A data set that lacks what the label asks about says what it lacks."""
    with pytest.raises(Unsupported) as refused:
        for_dataset(replace(TASK, label=label), SHOP)
    assert why in refused.value.found
    assert refused.value.what == "The data set 'shop' cannot carry the task 'churn'."


def test_declared_unsupported() -> None:
    """A data set may decline a task in its own words."""
    declined = SHOP.model_copy(update={"tasks": {"churn": TaskChoice(unsupported="Too short.")}})
    with pytest.raises(Unsupported, match=r"Too short\."):
        for_dataset(TASK, declined)


def test_costs_need_a_yes() -> None:
    """A task of several classes has nothing to make an offer on."""
    costs = Costs(offer=1, saved=10)
    assert replace(TASK, costs=costs).costs == costs
    with pytest.raises(UsageError, match=r"no yes to act on\. Its label MostTaken"):
        replace(TASK, costs=costs, label=MostTaken())


def test_costs_of_the_data_set_come_first() -> None:
    """An offer costs what it costs where the data come from."""
    ours, theirs = Costs(offer=1, saved=10), Costs(offer=2, saved=30)
    priced = SHOP.model_copy(update={"tasks": {"churn": TaskChoice(costs=theirs)}})
    assert for_dataset(replace(TASK, costs=ours), priced).costs == theirs
    assert for_dataset(replace(TASK, costs=ours), SHOP).costs == ours
