"""Intervals from shared draws are those of measuring every draw by the metrics themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lifecycle.metrics import METRICS
from lifecycle.task import Kind
from training.balancing.contrast import CONTRASTED, Contest, differences
from training.draws import Draws, under
from training.promotion.paired import Pair, difference


def make_contest(kind: Kind, n: int = 300, seed: int = 0) -> Contest:
    """A good model, a worse one and the good one again, three rows an entity."""
    rng = np.random.default_rng(seed)
    classes = 2 if kind == "binary" else 4
    labels = rng.integers(0, classes, n)
    truth = np.eye(classes)[labels]

    def model(signal: float) -> np.ndarray:
        scores = np.exp(signal * truth + np.round(rng.normal(size=(n, classes)), 1))
        return scores / scores.sum(axis=1, keepdims=True)

    reference = model(1.5)
    return Contest(
        kind=kind, labels=labels, reference=reference,
        others={"worse": model(0.3), "same": reference},
        entities=np.repeat(np.arange(n // 3), 3).astype(object),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_a_draw_is_the_metric_of_the_drawn_rows(kind: Kind) -> None:
    """Weights of entities give the number that rows repeated as often give."""
    contest = make_contest(kind)
    codes = contest.entities.astype(int)
    weights = np.random.default_rng(1).multinomial(100, np.full(100, 0.01), size=6)
    for name in CONTRASTED[kind]:
        if name == "roc_auc":
            continue
        answers = contest.others["worse"]
        found = under(Draws(weights=weights, codes=codes), kind, name, contest.labels, answers)
        for draw, value in zip(weights, found, strict=True):
            rows = np.repeat(np.arange(len(codes)), draw[codes])
            wanted = METRICS[kind][name](contest.labels[rows], answers[rows])
            assert value == pytest.approx(wanted)


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_differences_are_those_of_the_paired_test(kind: Kind) -> None:
    """Values are equal and intervals alike, up to the luck of the draws; a worse model is seen."""
    contest = make_contest(kind)
    found = differences(contest, seed=3)
    pair = Pair(
        kind=kind, labels=contest.labels, challenger=contest.others["worse"],
        champion=contest.reference, customers=pd.Series(contest.entities),
    )  # fmt: skip
    for name, ours in found["worse"].items():
        theirs = difference(pair, name)
        assert ours.value == pytest.approx(theirs.value)
        width = theirs.high - theirs.low
        assert ours.low == pytest.approx(theirs.low, abs=0.2 * width)
        assert ours.high == pytest.approx(theirs.high, abs=0.2 * width)
        if name != "ece":  # who ranks worse may be calibrated as well
            assert ours.low * ours.high > 0
    for same in found["same"].values():
        assert (same.value, same.low, same.high) == (0, 0, 0)


def test_a_badly_calibrated_model_is_seen_by_its_ece() -> None:
    """Log-odds stretched to twice theirs change no rank; the interval of ECE lies above zero."""
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, 3_000)
    labels = (rng.random(3_000) < p).astype(np.int64)
    stretched = p**2 / (p**2 + (1 - p) ** 2)
    found = differences(Contest(
        kind="binary", labels=labels, reference=np.column_stack([1 - p, p]),
        others={"stretched": np.column_stack([1 - stretched, stretched])},
        entities=np.repeat(np.arange(1_000), 3).astype(object),
    ))["stretched"]  # fmt: skip
    assert found["roc_auc"].value == 0
    assert 0 < found["ece"].low <= found["ece"].value <= found["ece"].high


def test_without_positives_in_a_draw_nothing_is_claimed() -> None:
    """One positive entity is missing from a third of the draws: the interval is unknown."""
    contest = make_contest("binary")
    labels = (contest.entities == 0).astype(np.int64)
    lonely = Contest(
        kind="binary", labels=labels, reference=contest.reference, others=contest.others,
        entities=contest.entities,
    )  # fmt: skip
    assert np.isnan(differences(lonely)["worse"]["pr_auc"].low)
