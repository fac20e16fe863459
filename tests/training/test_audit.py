from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.findings import Finding
from lifecycle.home import Home
from lifecycle.task import Task
from tasks import find
from tests.features.canonical import settle
from training.audit import answered, ruled, training_findings, training_schema
from training.trainingset import TrainingSet

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FEATURES = (("events_7d", "number"), ("profile_age", "number"), ("profile_country", "category"))


@pytest.fixture
def toy(tmp_path: Path) -> Home:
    return settle(tmp_path / "home")


def training_set(count: int = 4, **columns: list[Any]) -> TrainingSet:
    """A training set that is right, but for the columns given."""
    times = pd.to_datetime([NOW] * count).as_unit("us")
    plain = {
        "customer_id": [f"c{n}" for n in range(count)],
        "event_timestamp": times,
        "signed_up_at": times - timedelta(days=7),
        "label": [n % 2 == 0 for n in range(count)],
        "label_end": times + timedelta(days=14),
        "events_7d": [float(n) for n in range(count)],
        "profile_age": [30.0] * count,
        "profile_country": ["de"] * count,
    }
    return TrainingSet(frame=pd.DataFrame(plain | columns), features=FEATURES, as_of=NOW)


def check(home: Home, data: TrainingSet, task: Task | None = None) -> Finding:
    schema = training_schema(home.dataset(), task or find("churn"), data)
    return ruled("training set", data, schema)


def test_a_sound_training_set_passes(toy: Home) -> None:
    """Keys, labels and features as the definitions say."""
    assert check(toy, training_set()).verdict == "passed"


def test_what_is_wrong_is_said(toy: Home) -> None:
    """Doubled moments, features out of bounds, labels that end before they begin."""
    past = pd.to_datetime([NOW] * 4).as_unit("us")
    found = check(
        toy,
        training_set(
            customer_id=["a", "a", "b", "c"], profile_age=[1.0, 2.0, 300.0, 4.0], label_end=past
        ),
    )
    assert found.verdict == "failed"
    assert "2 rows share a moment" in found.found
    assert "profile_age above 120; label_end is not after the moment" in found.found


def test_an_answer_that_the_task_does_not_know_is_found(toy: Home) -> None:
    """A label of preference is one of the data set's content types."""
    sound = training_set(label=["article", "video", "video", "article"])
    assert check(toy, sound, find("preference")).verdict == "passed"
    odd = training_set(label=["article", "video", "newspaper", "article"])
    found = check(toy, odd, find("preference"))
    assert (found.broken, found.found) == (1, "label is not in the vocabulary")


def test_one_answer_teaches_nothing() -> None:
    """Every label the same, and a feature that is missing everywhere, are findings."""
    data = training_set(label=[True] * 4, profile_age=[float("nan")] * 4)
    classes, empty = answered("training set", data)
    assert (classes.verdict, classes.found) == ("failed", "every label is True")
    assert (empty.verdict, empty.found) == ("failed", "profile_age")
    two, all_there = answered("training set", replace(data, frame=training_set().frame))
    assert (two.verdict, all_there.verdict) == ("passed", "passed")


def test_a_training_set_that_cannot_be_made_is_no_pass(toy: Home) -> None:
    """Without ripe labels it cannot be told, and the reason is passed on."""
    (found,) = training_findings(toy, find("churn"), NOW)
    assert found.verdict == "unknown"
    assert found.found.startswith("There is nothing to train churn on.")
