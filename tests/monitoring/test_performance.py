"""Ripened labels are joined rightly, and decay is told from chance."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from lifecycle.metrics import metric
from lifecycle.task import Monitor
from monitoring.performance import (
    Answers,
    Yardstick,
    answers,
    clustered_error,
    drawn_auc,
    draws,
    interval,
    paired_gain,
    perform,
)
from monitoring.windows import spans

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SPAN = spans(NOW, days=7, count=1)[0]
CLASSES = ("art", "music", "news")
BINARY = Yardstick(kind="binary", monitor=Monitor(), baseline=0.80)


def moments(rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(rows)],
            "event_timestamp": pd.to_datetime([NOW - timedelta(days=n % 5) for n in range(rows)]),
        }
    )


def world(seed: int, *, strength: float = 1.4, rows: int = 1_000, bias: float = 0.0) -> Answers:
    """Calibrated answers for `strength` 1.4 (an AUC of about 0.80), shifted by `bias`."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    label = rng.uniform(size=rows) < 1 / (1 + np.exp(-strength * 1.35 * x))
    prediction = np.clip(1 / (1 + np.exp(-1.9 * x)) + bias, 0, 1)
    logged = moments(rows).assign(prediction=prediction, answer="yes", probabilities="{}")
    return answers("binary", (), logged, moments(rows).assign(label=label))


def test_binary_join() -> None:
    """Answers meet the label of their own customer and moment; others are left out."""
    logged = moments(3).assign(prediction=[0.1, 0.9, 0.5], answer="no", probabilities="{}")
    truth = moments(4).assign(label=[False, True, True, True]).iloc[[3, 1, 0]]
    given = answers("binary", (), logged, truth)
    assert given.labels.tolist() == given.came_true.tolist()
    assert sorted(zip(given.customers, given.labels, given.confidence, strict=True)) == [
        ("c0", 0, 0.1), ("c1", 1, 0.9),
    ]  # fmt: skip
    assert given.probabilities.sum(axis=1).tolist() == [1.0, 1.0]


def test_multiclass_join() -> None:
    """Classes take the model's order; a label the model does not know is left out."""
    logged = moments(3).assign(
        prediction=[0.6, 0.5, 0.9],
        answer=["news", "art", "art"],
        probabilities=[
            json.dumps({"news": 0.6, "art": 0.3, "music": 0.1}),
            json.dumps({"art": 0.5, "news": 0.5}),
            json.dumps({"art": 0.9, "music": 0.1}),
        ],
    )
    truth = moments(3).assign(label=["news", "music", "sport"])
    given = answers("multiclass", CLASSES, logged, truth)
    by_customer = dict(zip(given.customers, given.probabilities.tolist(), strict=True))
    assert by_customer == {"c0": [0.3, 0.1, 0.6], "c1": [0.5, 0.0, 0.5]}
    assert dict(zip(given.customers, given.came_true, strict=True)) == {"c0": 1.0, "c1": 0.0}


def test_nothing_has_ripened() -> None:
    """Without labels nothing is measured, and that is no decay."""
    logged = moments(5).assign(prediction=0.5, answer="no", probabilities="{}")
    given = answers("binary", (), logged, moments(5).assign(label=None))
    found = perform(SPAN, 1, 5, given, BINARY)
    assert (found.outcome, found.labelled, found.complete) == ("could not tell", 0, 0.0)
    assert found.words.endswith("not judged, 0 labelled answers are too few")


def test_a_model_that_holds_never_decays() -> None:
    """In 40 windows of a model as good as approved none is called decayed."""
    found = [perform(SPAN, 1, 1_000, world(seed), BINARY) for seed in range(40)]
    assert {one.outcome for one in found} == {"fine"}
    assert {one.calibration_outcome for one in found} == {"fine"}


def test_a_model_that_broke_always_decays() -> None:
    """In 15 windows of a model that has lost most of its skill each is called decayed."""
    found = [perform(SPAN, 1, 1_000, world(seed, strength=0.4), BINARY) for seed in range(15)]
    assert {one.outcome for one in found} == {"decayed"}
    assert all(one.low < one.value < one.high < 0.80 for one in found)


def test_too_few_labels_could_not_tell() -> None:
    """Fewer labels than the least, or one class only, carry no verdict."""
    few = perform(SPAN, 1, 299, world(0, strength=0.0, rows=299), BINARY)
    given = world(0, strength=0.0)
    one_class = given.rows(np.flatnonzero(given.labels == 0))
    assert few.outcome == "could not tell"
    assert perform(SPAN, 1, 500, one_class, BINARY).outcome == "could not tell"


def test_lower_is_better_for_losses() -> None:
    """A log-loss above the approved one is decay; one below is not."""
    by = replace(BINARY, monitor=Monitor(metric="log_loss"))
    value = perform(SPAN, 1, 1_000, world(0), by).value
    assert perform(SPAN, 1, 1_000, world(0), replace(by, baseline=value - 0.3)).outcome == "decayed"
    assert perform(SPAN, 1, 1_000, world(0), replace(by, baseline=value + 0.3)).outcome == "fine"


def test_calibration_break() -> None:
    """Predictions 0.2 too high on average keep their AUC and lose their calibration."""
    found = perform(SPAN, 1, 1_000, world(0, bias=0.2), BINARY)
    assert found.calibration == pytest.approx(0.17, abs=0.04)
    assert found.calibration_outcome == "decayed"


@pytest.mark.parametrize("seed", range(4))
def test_a_changed_base_rate_is_a_calibration_break(seed: int) -> None:
    """Half as many again say yes, of the same kinds: ranks stay, and the mean prediction is off."""
    given = world(seed, rows=4_000)
    rng = np.random.default_rng(seed)
    yes, no = (np.flatnonzero(given.labels == side) for side in (1, 0))
    share = 1.5 * len(yes) / len(given)
    some = rng.choice(yes, int(1_000 * share))
    found = perform(SPAN, 1, 1_000, given.rows(np.r_[some, no[: 1_000 - len(some)]]), BINARY)
    assert (found.outcome, found.calibration_outcome) == ("fine", "decayed")


def test_the_reference_has_chance_too() -> None:
    """What a small reference said of calibration is off itself, and raises no alarm."""
    given = world(0, bias=0.08)
    sure = perform(SPAN, 1, 1_000, given, BINARY)
    unsure = perform(SPAN, 1, 1_000, given, replace(BINARY, calibration_error=0.05))
    assert (sure.calibration_outcome, unsure.calibration_outcome) == ("decayed", "fine")


def test_an_error_is_by_customer() -> None:
    """Each row written four times over is no more witnesses; alone, it is the usual one."""
    values = np.random.default_rng(1).normal(size=500)
    names = np.arange(500).astype(object)
    alone = clustered_error(values, names)
    assert alone == pytest.approx(values.std(ddof=1) / np.sqrt(500))
    assert clustered_error(np.repeat(values, 4), np.repeat(names, 4)) == pytest.approx(alone)


def test_interval_covers() -> None:
    """The 95 % interval holds the true accuracy of 0.7 in at least 90 of 100 worlds."""
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        truth = rng.uniform(size=400) < 0.7
        logged = moments(400).assign(prediction=0.9, answer="yes", probabilities="{}")
        given = answers("binary", (), logged, moments(400).assign(label=truth))
        low, high = interval(given, "accuracy", seed)
        covered += low <= 0.7 <= high
    assert covered >= 90


def test_customers_are_resampled_whole() -> None:
    """Each customer's row written five times over narrows nothing."""
    given = world(0, rows=300)
    five = given.rows(np.repeat(np.arange(300), 5))
    once, repeated = interval(given, "roc_auc"), interval(five, "roc_auc")
    assert repeated[1] - repeated[0] == pytest.approx(once[1] - once[0], rel=0.25)


def test_ranking_once_is_measuring_in_each_draw() -> None:
    """The quick way through the draws gives each draw's own ROC-AUC, ties and all."""
    given = world(0, rows=300)
    tied = replace(given, probabilities=given.probabilities.round(1))
    measured = [
        metric("binary", "roc_auc", tied.labels[rows], tied.probabilities[rows])
        for rows in draws(tied, 3)
    ]
    np.testing.assert_allclose(drawn_auc(tied, 3), measured)


def test_a_gain_resamples_customers_whole_too() -> None:
    """Each customer's row written five times over narrows no gain."""
    good = world(0, rows=300)
    noise = np.random.default_rng(1).normal(size=300)
    bad = replace(good, probabilities=np.column_stack([-noise, noise]))
    five = np.repeat(np.arange(300), 5)
    once = paired_gain(good, bad, "roc_auc")
    repeated = paired_gain(good.rows(five), bad.rows(five), "roc_auc")
    assert repeated[1] - repeated[0] == pytest.approx(once[1] - once[0], rel=0.25)


def test_same_evidence_same_interval() -> None:
    """Intervals are drawn by seed, so the same window gives the same evidence again."""
    assert interval(world(0), "roc_auc") == interval(world(0), "roc_auc")


def test_paired_gain() -> None:
    """A better version's gain on the same rows lies above zero, its own against itself at it."""
    good = world(0)
    blind = replace(good, probabilities=good.probabilities[:, ::-1])
    assert paired_gain(good, blind, "roc_auc")[0] > 0.4
    assert paired_gain(good, good, "roc_auc") == (0.0, 0.0)
    assert paired_gain(good, blind, "log_loss")[0] > 0
