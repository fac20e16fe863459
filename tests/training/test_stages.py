"""Large tables are searched on a sample first; folds are as many as rows are few."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifecycle.space import Int
from tests.training.conftest import CHURN, make_frame, make_set
from training import stages as module
from training.parts import prepare_parts
from training.stages import allowed, fold_count, stages_of


def test_few_rows_are_one_stage() -> None:
    """The search then sees every training row."""
    prepared = prepare_parts(CHURN, make_set(make_frame(customers=200)))
    (only,) = stages_of(CHURN, prepared, seed=0)
    assert len(only.labels) == len(prepared.train.labels)


def test_many_rows_begin_with_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole customers, drawn by seed; the last stage has every row."""
    monkeypatch.setattr(module, "LEAST_SAMPLE", 300)
    prepared = prepare_parts(CHURN, make_set(make_frame(customers=500)))
    first, last = stages_of(CHURN, prepared, seed=0)
    assert 200 < len(first.labels) < 400
    assert len(last.labels) == len(prepared.train.labels)
    again, _ = stages_of(CHURN, prepared, seed=0)
    np.testing.assert_array_equal(first.matrix, again.matrix)


def test_folds_by_size() -> None:
    """Forward folds are the task's, until one hold-out must do; tables have five, three, one."""
    timed = [fold_count(CHURN, rows, timed=True) for rows in (1_000, 20_000, 50_000)]
    shuffled = [fold_count(CHURN, rows, timed=False) for rows in (1_000, 20_000, 50_000)]
    assert timed == [CHURN.search.folds, CHURN.search.folds, 1]
    assert shuffled == [5, 3, 1]


def test_the_space_fits_the_table() -> None:
    """SMOTENC needs categories; large tables may grow large trees, small ones only the task's."""
    prepared = prepare_parts(CHURN, make_set(make_frame(customers=200)))
    wide = allowed(CHURN.search, prepared.encoder, 200_000)
    assert wide.spaces["lightgbm"]["num_leaves"].high == 512  # type: ignore[union-attr]
    assert wide.spaces["xgboost"]["max_depth"].high == 11  # type: ignore[union-attr]
    narrow = allowed(CHURN.search, prepared.encoder, 1_000)
    assert narrow.spaces["lightgbm"]["num_leaves"] == Int(4, 96, log=True)
    numbers = replace(make_set(make_frame(customers=200)), features=(("n0", "number"),))
    plain = allowed(CHURN.search, prepare_parts(CHURN, numbers).encoder, 1_000)
    assert "smotenc" in narrow.balancing
    assert "smotenc" not in plain.balancing
