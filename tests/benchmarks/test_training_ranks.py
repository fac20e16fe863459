"""The statistics of the training benchmark, against brute force and against each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.training_ranks import (
    Judged,
    difference,
    draw_rows,
    mean_ranks,
    pr_auc,
    ranks,
    roc_auc,
)
from lifecycle import metrics


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3)), min_size=2))
def test_weighted_areas_are_those_of_repeated_rows(rows):
    """A weight of three is the row three times, with ties and rows of weight none."""
    labels, said, weights = (np.array(column) for column in zip(*rows, strict=True))
    repeated = np.repeat(labels, weights)
    if not 0 < repeated.sum() < len(repeated):
        return
    answers = np.repeat(said / 10, weights)
    both = np.column_stack([1 - answers, answers])
    index = repeated.astype(np.int64)
    weight = weights.astype(np.uint8)
    assert pr_auc(labels, said / 10)(weight) == pytest.approx(metrics.pr_auc(index, both))
    assert roc_auc(labels, said / 10)(weight) == pytest.approx(metrics.roc_auc(index, both))


def test_ranks_know_the_direction_and_put_a_failure_last():
    """Low log-loss and high PR-AUC are good; equals share; NaN is never better than anything."""
    assert ranks("log_loss", [0.3, 0.2, float("nan"), 0.3]).tolist() == [2.5, 1, 4, 2.5]
    assert ranks("pr_auc", [0.3, 0.2, float("nan"), 0.3]).tolist() == [1.5, 3, 4, 1.5]


def test_mean_ranks_are_sure_only_where_tables_agree():
    """A system that wins on every table has no interval; one that wins on half has a wide one."""
    scores = {
        f"table {i}": {"first": [0.1, 0.1], "a": [0.2 + 0.1 * (i % 2)] * 2, "b": [0.25, 0.25]}
        for i in range(6)
    }
    found = mean_ranks("log_loss", scores)
    assert (found["first"].value, found["first"].low, found["first"].high) == (1, 1, 1)
    assert found["a"].value == found["b"].value == 2.5
    assert found["a"].high - found["a"].low > 0.5


def judged(rng: np.random.Generator, better: float, rows: int = 450, moments: int = 3) -> Judged:
    """Answers of two systems of which ours is nearer to the truth by `better`."""
    people = np.arange(rows) // moments
    push = rng.normal(size=rows // moments)[people] + 0.3 * rng.normal(size=rows)

    def squash(noise: float) -> np.ndarray:
        return 1 / (1 + np.exp(-push - noise * rng.normal(size=rows // moments)[people]))

    return Judged(
        labels=rng.random(rows) < 1 / (1 + np.exp(-push)),
        ours=squash(1.0 - better),
        theirs=squash(1.0),
        draws=draw_rows(pd.Series(people)),
    )


@pytest.mark.parametrize("metric", ["log_loss", "pr_auc", "roc_auc"])
def test_a_difference_is_seen_where_there_is_one_and_not_where_there_is_none(metric):
    """Equal systems are told apart rarely over 12 worlds, a better one in nearly all."""
    sign = 1 if metrics.HIGHER_IS_BETTER[metric] else -1
    equal, better = 0, 0
    for world in range(12):
        rng = np.random.default_rng(world)
        none = difference(metric, [judged(rng, 0.0)])
        equal += not none.low <= 0 <= none.high
        some = difference(metric, [judged(rng, 0.9)])
        better += min(sign * some.low, sign * some.high) > 0
    assert equal <= 2
    assert better >= 10
