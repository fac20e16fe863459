"""Evidence: later rows only, both models in the same order of classes, overlaps counted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from lifecycle.gate import Gate, NotWorse
from lifecycle.row_keys import row_keys
from lifecycle.version_files import FILES  # beside the scorer that reads it
from tests.training.conftest import PREFERENCE, Trained
from training.model import Scorer
from training.promotion.evidence import Contender, evidence
from training.promotion.labels import aligned, places, rarest

TASK = replace(PREFERENCE, gate=Gate(rules=(NotWorse("accuracy", 0.1), NotWorse("macro_f1", 0.1))))


@pytest.fixture
def contender(trained: Trained) -> Contender:
    scorer = Scorer.from_folder(trained.folder("preference") / FILES)
    return Contender(number=1, scorer=scorer, keys=np.array([], dtype=np.uint64))


@dataclass(frozen=True)
class Later:
    """A contender's scorer that says it was trained at another time."""

    scorer: Scorer
    days: int
    facts: dict[str, object] = field(init=False)

    def __post_init__(self) -> None:
        moved = {
            key: (pd.Timestamp(self.scorer.facts[key]) + timedelta(days=self.days)).isoformat()
            for key in ("labels_known_until", "test_signed_up_from")
        }
        object.__setattr__(self, "facts", {**self.scorer.facts, **moved})


def moved(contender: Contender, days: int) -> Contender:
    later = Scorer(Later(contender.scorer, days).facts, contender.scorer.engine)
    return replace(contender, number=2, scorer=later)


def test_rows_come_after_both_models(trained: Trained, contender: Contender) -> None:
    """A champion that knew more recent labels leaves fewer rows to judge on."""
    frame = trained.frames["preference"]
    alone = evidence(TASK, frame, contender, None)
    both = evidence(TASK, frame, contender, moved(contender, 10))
    assert alone.differences is None
    assert 0 < both.rows < alone.rows
    assert both.differences is not None
    assert set(both.differences) == {"accuracy", "macro_f1"}
    assert both.differences["accuracy"].value == 0


def test_an_overlap_is_counted(trained: Trained, contender: Contender) -> None:
    """Rows that either contender's keys name are counted as seen."""
    frame = trained.frames["preference"]
    knowing = replace(contender, keys=row_keys(frame.iloc[-5:]))
    assert evidence(TASK, frame, contender, knowing).seen == 5
    assert evidence(TASK, frame, knowing, None).seen == 5


def test_classes_are_matched_by_name() -> None:
    """A champion with other classes in another order is compared class by class."""
    p = np.array([[0.2, 0.8]])
    found = aligned(p, ("b", "a"), ("a", "b", "c"))
    assert found.tolist() == [[0.8, 0.2, 0.0]]
    assert places(pd.Series(["b", "x"]), ("a", "b")).tolist() == [1, -1]


def test_new_classes_stop_the_judging(trained: Trained, contender: Contender) -> None:
    """When the world has classes that the challenger never learned, that is the finding."""
    frame = trained.frames["preference"].copy()
    frame.loc[frame.index[-60:], "label"] = "podcast"
    found = evidence(TASK, frame, contender, None)
    assert "60 rows have a class it never learned: podcast" in found.problem


def test_the_rarest_class_is_counted() -> None:
    """Binary counts the smaller side even at zero; more classes those that occur."""
    assert rarest(np.array([1, 1]), 2) == 0
    assert rarest(np.array([0, 1, 1]), 4) == 1
    assert rarest(np.array([], dtype=np.int64), 4) == 0
