"""What a retrain holds back is written with its version: it is judged and made again by that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lifecycle.version_files import FILES
from tests.training.conftest import CHURN, make_frame, make_set
from training.candidate import Budget, build
from training.newest import Window, for_retrain, with_window
from training.parts import prepare_parts
from training.promotion.evidence import Contender, Judged, judging
from training.promotion.unseen import overlap
from training.splits import shares_of, split


@pytest.mark.parametrize("days", [0, 56])
def test_what_was_held_back_is_what_judges(tmp_path: Path, days: int) -> None:
    """The gate finds the very test of the retrain by the version's own facts, and no learned row.

    The same facts cut the rows in the same way when it is made again.
    """
    data = make_set(make_frame(500))
    shares = with_window(for_retrain(CHURN, data, 0.05)[0], Window(days=days))
    folder = tmp_path / FILES
    folder.mkdir(parents=True)
    effort = Budget(trials=1, report=False)
    build(CHURN, data, effort, folder, tmp_path / "studies", shares=shares)
    made = Contender.load(1, tmp_path)
    found = split(data.frame, shares)
    rows = judging(data.frame, [made])
    assert isinstance(rows, Judged)
    assert set(rows.frame.index) == set(data.frame.index[found.test])
    assert overlap(rows.frame, [made]) == 0
    assert len(made.keys) == len(found.train) + len(found.calibrate) > 0
    assert (found.outdated > 0) == bool(days)
    again = prepare_parts(CHURN, data, shares_of(made.facts), 0)
    assert np.array_equal(again.splits.train, found.train)
    assert np.array_equal(again.splits.test, found.test)
