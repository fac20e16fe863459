"""Slices: each on its own rows, clustered by customer, and honest about how many are looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lifecycle.gate import Evidence, NotWorseOnSlices
from lifecycle.gate.compared import not_worse_on_slices
from training.promotion.paired import Pair, clustered_mean, difference
from training.promotion.slices import loss_beyond, of_slice, sliced_by, slices

RULE = NotWorseOnSlices("log_loss", 0.0, by=("country", "plan", "device"), higher_is_better=False)
COUNTRIES = ("AT", "CH", "DE", "FR", "LI")


def rows(seed: int, customers: int = 400) -> tuple[Pair, pd.DataFrame]:
    """Two equally good models on two rows of each customer, who is in one of five countries."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(customers), 2)
    truth = np.repeat(rng.normal(size=customers), 2)
    labels = (rng.random(len(who)) < 1 / (1 + np.exp(-truth))).astype(np.int64)

    def model() -> np.ndarray:
        noise = np.repeat(rng.normal(0, 0.5, customers), 2)
        p = 1 / (1 + np.exp(-(truth + noise)))
        return np.column_stack([1 - p, p])

    pair = Pair(
        kind="binary", labels=labels, challenger=model(), champion=model(),
        customers=pd.Series(who).astype(str),
    )  # fmt: skip
    countries = rng.choice(COUNTRIES, customers, p=[0.3, 0.2, 0.28, 0.2, 0.02])
    frame = pd.DataFrame(
        {
            "profile_country": np.repeat(countries, 2),
            "plan": np.repeat(rng.choice(["free", None], customers), 2),
        }
    )
    return pair, frame


def found(pair: Pair, frame: pd.DataFrame, rule: NotWorseOnSlices = RULE) -> Evidence:
    return Evidence(
        rows=len(frame), positives=100, seen=0, metrics={}, differences={},
        slices=slices(pair, frame, [rule]), sliced_by=sliced_by(frame, [rule]),
    )  # fmt: skip


def test_profile_columns_are_found_by_their_own_name() -> None:
    """`country` is `profile_country` among features; what the rows lack is left out."""
    pair, frame = rows(0)
    evidence = found(pair, frame)
    assert evidence.sliced_by == ("country", "plan")
    assert {one.name for one in evidence.slices} >= {"country=AT", "plan=free", "plan=(missing)"}
    assert sum(one.rows for one in evidence.slices if one.feature == "plan") == len(frame)


def test_small_slices_are_named_and_not_measured() -> None:
    """Liechtenstein has too few rows: no difference, no p-value, no guess."""
    pair, frame = rows(0)
    small = [one for one in found(pair, frame).slices if one.rows < RULE.least_rows]
    assert [one.value for one in small] == ["LI"]
    assert (small[0].difference, small[0].p_value) == (None, None)


@pytest.mark.parametrize("metric", ["log_loss", "brier", "accuracy"])
def test_a_slice_is_the_paired_difference_of_its_rows(metric: str) -> None:
    """The quick interval is that of the bootstrap over customers."""
    pair, frame = rows(1)
    mine = pair.where((frame["profile_country"] == "DE").to_numpy())
    quick, slow = clustered_mean(mine, metric), difference(mine, metric)
    assert quick.value == pytest.approx(slow.value)
    assert quick.high - quick.low == pytest.approx(slow.high - slow.low, rel=0.1)


def test_equal_models_fail_one_time_in_twenty_however_many_slices() -> None:
    """Six slices, no margin: of 120 pairs of equal models some 5 % have a slice that fails."""
    failed = 0
    for seed in range(120):
        pair, frame = rows(seed)
        failed += not_worse_on_slices(RULE, found(pair, frame)).outcome == "failed"
    assert failed <= 12  # P(more | 5 %) is below 0.01


def test_a_loss_in_one_slice_is_found_under_a_gain_of_all() -> None:
    """Better everywhere else, and wrong in one country: refused, by the name of that country."""
    pair, frame = rows(2)
    hurt = (frame["profile_country"] == "CH").to_numpy()
    right = np.where(pair.labels == 1, 0.9, 0.1)
    p = np.where(hurt, 1 - pair.champion[:, 1], 0.5 * (right + pair.champion[:, 1]))
    worse = replace(pair, challenger=np.column_stack([1 - p, p]))
    assert difference(worse, "log_loss").high < 0
    finding = not_worse_on_slices(RULE, found(worse, frame))
    assert finding.outcome == "failed"
    assert "on 1 of" in finding.words
    assert "country=CH" in finding.words


@pytest.mark.parametrize("metric", ["roc_auc", "pr_auc"])
def test_ranks_too(metric: str) -> None:
    """A metric that is no mean over rows is measured as among all rows."""
    pair, frame = rows(3)
    rule = NotWorseOnSlices(metric, 0.3, by=("plan",))
    measured = found(pair, frame, rule).slices
    mine = pair.where((frame["plan"] == "free").to_numpy())
    assert {one.value: one.difference for one in measured}["free"] == difference(mine, metric)
    assert not_worse_on_slices(rule, found(pair, frame, rule)).outcome == "passed"


def test_one_class_or_one_customer_cannot_be_told() -> None:
    """A slice that is large enough and still says nothing stops the promotion."""
    pair, frame = rows(4)
    rule = replace(RULE, metric="roc_auc", by=("plan",), least_positives=0)
    only = replace(pair, labels=np.ones_like(pair.labels))
    assert not_worse_on_slices(rule, found(only, frame, rule)).outcome == "could not tell"
    alone = replace(pair, customers=pd.Series(["one"] * len(frame)))
    rule = replace(RULE, by=("plan",))
    assert not_worse_on_slices(rule, found(alone, frame, rule)).outcome == "could not tell"


def test_an_unknown_metric_is_measured_nowhere() -> None:
    """A misspelt metric is a finding of the judge and no crash."""
    pair, frame = rows(5)
    rule = replace(RULE, metric="logloss")
    assert found(pair, frame, rule).slices == ()
    assert not_worse_on_slices(rule, found(pair, frame, rule)).outcome == "could not tell"


def test_the_same_model_never_fails() -> None:
    """Without any difference there is no error to divide by: the p-value is one, or zero."""
    pair, _ = rows(6)
    same = of_slice(replace(pair, challenger=pair.champion), "log_loss")
    assert loss_beyond(same, RULE) == 1
    assert loss_beyond(same, replace(RULE, margin=-0.01)) == 0
