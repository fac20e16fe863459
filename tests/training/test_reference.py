"""The reference is what the model is asked, answered or not; nothing from before its test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from lifecycle import profile
from lifecycle.version_files import PROFILE
from tests.training.conftest import PREFERENCE, make_frame, make_set
from training.candidate import Budget, build
from training.reference import reference_of


def test_moments_without_an_answer_belong_to_the_reference(tmp_path: Path) -> None:
    """The test's silent moments are scored and kept without a label; earlier ones are not."""
    frame = make_frame(kind="multiclass")
    silent = frame.index % 4 == 0
    data = replace(
        make_set(frame[~silent].reset_index(drop=True)),
        unanswered=frame[silent].assign(label=None).reset_index(drop=True),
    )
    folder = tmp_path / "files"
    folder.mkdir()
    budget = Budget(trials=1, seed=0, report=False)
    built = build(PREFERENCE, data, budget, folder, tmp_path / "studies")
    reference = reference_of(built.prepared, built.scorer, 0)
    tested_from = built.prepared.splits.test_from
    expected = frame[silent & (frame["signed_up_at"] >= tested_from)]
    kept = reference[reference["label"].isna()]
    keys = ["customer_id", "event_timestamp"]
    order = {"by": keys, "ignore_index": True}
    pd.testing.assert_frame_equal(
        kept[keys].sort_values(**order), expected[keys].sort_values(**order)
    )
    assert len(reference) == len(kept) + len(built.prepared.test.labels)
    assert reference["prediction"].between(0, 1).all()
    stored = profile.read(folder / PROFILE.name)
    whole, names = stored.whole(), [name for name, _ in built.scorer.features]
    assert set(whole.columns) == {*names, "prediction", "answer"}
    assert whole.rows == len(reference)
    for name in names:
        assert whole.columns[name].missing == reference[name].isna().sum()
    assert set(stored.parts) <= set(built.scorer.facts["moments"])
    assert set(stored.importance) == set(names)
