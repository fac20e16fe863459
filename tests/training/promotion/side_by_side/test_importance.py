"""Importances: as the reports have them where both have one, else measured alike for both."""

from __future__ import annotations

import json
from pathlib import Path

import lightgbm
import mlflow
import numpy as np
import pytest

from lifecycle.version_files import FILES
from tests.training.promotion.side_by_side.conftest import Two
from training.model import FOREST
from training.promotion.side_by_side.importance import importances
from training.promotion.side_by_side.recorded import EXPLANATION
from training.promotion.side_by_side.values import Comparison


def test_a_report_is_read_back_as_it_was_written(two: Two, tmp_path: Path) -> None:
    """Two versions of a run with a report: its shares, its ranks, its words."""
    one, _ = two.entrants
    place = mlflow.artifacts.download_artifacts(
        run_id=one.side.run_id, artifact_path=EXPLANATION, dst_path=str(tmp_path),
        tracking_uri=two.home.tracking_uri,
    )  # fmt: skip
    rows = json.loads(Path(place).read_text())["tables"]["importance"]
    found = importances(one, one, None)
    assert found.source.endswith("as each training's report measured it on its own test rows")
    told = {row.feature: row.first for row in found.features if row.first and row.first.rank}
    assert [(name, weight.share, weight.rank) for name, weight in told.items() if weight] == [
        (row["feature"], row["share"], rank) for rank, row in enumerate(rows, start=1)
    ]
    assert all(row.first == row.second for row in found.features)


def test_else_both_are_measured_from_their_forests(two: Two) -> None:
    """One version without a report: LightGBM's own contributions on the same rows, for both."""
    both = two.entrants
    assert not both[1].explained
    rows = two.frame.tail(90)
    found = importances(*both, rows)
    assert found.source.endswith("measured now on the same unseen rows")
    for place, one in enumerate(both):
        booster = lightgbm.Booster(model_file=str(one.folder / FILES / FOREST))
        matrix = one.scorer.encoder.matrix(rows)
        sizes = np.abs(booster.predict(matrix, pred_contrib=True)[:, :-1]).mean(axis=0)
        shares = dict(zip(one.scorer.encoder.names, sizes / sizes.sum(), strict=True))
        weights = {row.feature: (row.first, row.second)[place] for row in found.features}
        assert {name: weight.share for name, weight in weights.items() if weight} == pytest.approx(
            shares
        )


def test_the_foremost_of_either_comes_first(found: Comparison) -> None:
    """Ordered by the larger share; every feature of either version is there."""
    largest = [
        max(weight.share for weight in (row.first, row.second) if weight)
        for row in found.importances.features
    ]
    assert largest == sorted(largest, reverse=True)
    assert {row.feature for row in found.importances.features} >= {"n0", "n1", "plan", "place"}
    assert found.importances.features[0].feature == "n0"
