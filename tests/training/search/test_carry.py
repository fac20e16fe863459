"""A search in files comes back as it was, and holds nothing that could run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from lifecycle.space import Choice, Float, Int, Search
from tests.training.search.conftest import make_plan, make_problem
from training.search.carry import Carried, read, write


def test_what_is_carried_comes_back_equal(tmp_path: Path) -> None:
    """Plan, space, encoder, settings, and every array of every stage."""
    space = Search(
        spaces={"lightgbm": {
            "learning_rate": Float(0.01, 0.3, log=True), "num_leaves": Int(2, 9),
            "odd": Choice((None, 1, 2.5, "a")),
        }},
        balancing=("none", "borderline"),
    )  # fmt: skip
    plan = replace(make_plan(tmp_path, trials=None, space=space), seconds=1.5, workers=3)
    stages = (make_problem(100), make_problem(200, folds=3))
    write(tmp_path, Carried(plan=plan, stages=stages, leader="me/1/2.00"))
    found = read(tmp_path)
    assert (found.plan, found.leader) == (plan, "me/1/2.00")
    for before, after in zip(stages, found.stages, strict=True):
        assert after.encoder.features == before.encoder.features
        assert after.encoder.categories == before.encoder.categories
        assert after.settings == before.settings
        np.testing.assert_array_equal(after.matrix, before.matrix)
        np.testing.assert_array_equal(after.labels, before.labels)
        for (a, b), (c, d) in zip(before.folds, after.folds, strict=True):
            np.testing.assert_array_equal(a, c)
            np.testing.assert_array_equal(b, d)
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".npy", ".json"}
