"""Costs state when an offer pays, and refuse what cannot be."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import tasks
from lifecycle.costs import Costs
from lifecycle.dataset import TaskChoice
from lifecycle.errors import UsageError

COSTS = Costs(offer=2.0, saved=1_200.5, accepted=0.5, currency="EUR")


def test_an_offer_pays_from_its_price_over_its_worth() -> None:
    """At the threshold an offer earns exactly nothing; above it something."""
    assert COSTS.threshold * COSTS.worth - COSTS.offer == pytest.approx(0)
    assert Costs(offer=1, saved=4).threshold == 0.25
    assert Costs(offer=0, saved=4).threshold == 0


@pytest.mark.parametrize(
    ("amount", "words"),
    [(1_200.5, "1,200.5 EUR"), (100, "100 EUR"), (-0.001, "0 EUR"), (0.256, "0.26 EUR")],
)
def test_money_is_written_for_people(amount: float, words: str) -> None:
    """Two decimals at most, thousands apart, and the currency behind."""
    assert COSTS.money(amount) == words
    assert replace(COSTS, currency="").money(amount) == words.removesuffix(" EUR")


@pytest.mark.parametrize(
    "wrong",
    [
        {"offer": -1.0},
        {"saved": 0.0},
        {"accepted": 0.0},
        {"accepted": 1.5},
        {"saved": float("nan")},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    """The error names the figures."""
    with pytest.raises(UsageError, match=r"cannot be\. offer .*, saved .*, accepted"):
        replace(COSTS, **wrong)


def test_an_offer_that_never_pays_is_refused() -> None:
    """Found when the task is written, and not after a training that contacts nobody."""
    with pytest.raises(UsageError, match=r"never pays\. It costs 5 EUR; .* saves 4 EUR"):
        Costs(offer=5, saved=8, accepted=0.5, currency="EUR")


def test_a_data_set_may_state_its_own() -> None:
    """The keys of the TOML file become costs, and a misspelt one is an error."""
    choice = TaskChoice.model_validate({"costs": {"offer": 1, "saved": 10, "currency": "GBP"}})
    assert choice.costs == Costs(offer=1, saved=10, currency="GBP")
    with pytest.raises(ValueError, match="acepted"):
        TaskChoice.model_validate({"costs": {"offer": 1, "saved": 10, "acepted": 0.5}})


def test_the_documented_example_is_the_shipped_one() -> None:
    """The page's TOML states the costs of the shipped task, and its threshold."""
    page = Path(__file__).resolve().parents[2] / "docs" / "training.md"
    blocks = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [one for one in blocks if "costs" in one]
    stated = TaskChoice.model_validate(tomllib.loads(block)["tasks"]["churn"])
    assert stated.costs == tasks.find("churn").costs
    assert stated.costs is not None
    assert stated.costs.threshold == pytest.approx(0.33, abs=0.005)
