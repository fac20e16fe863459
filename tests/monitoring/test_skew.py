"""What was served online is held against the offline store, on a sample, in every window."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest

from features.store import definitions, service_types
from lifecycle.errors import Busy
from lifecycle.prediction import FeatureValue, Prediction
from lifecycle.prediction_log import PredictionLog
from lifecycle.version_files import FACTS
from monitoring.approved import Approved
from monitoring.monitor import monitor
from monitoring.skew import LEAST, Skewed, skewed
from monitoring.windows import Span
from tests.monitoring.conftest import Tell
from tests.monitoring.world import CHURN, Story
from tests.monitoring.world import NOW as TOLD
from tests.training.promotion.skew_world import DAY, NOW, World, make_world

WINDOW = Span(start=NOW - 7 * DAY, end=NOW)


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("skew"))


@pytest.fixture
def world(_made: World) -> Iterator[World]:
    """With an empty log; tests write to nothing else."""
    yield _made
    shutil.rmtree(_made.home.predictions, ignore_errors=True)


def looked(world: World, folder: Path, span: Span = WINDOW, **learned: str) -> Skewed:
    """Version 1 learnt today's features; those `learned` are defined otherwise since."""
    known = {"definitions": {**definitions(world.home, "churn"), **learned}}
    path = folder / FACTS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known))
    against: Any = SimpleNamespace(
        version=SimpleNamespace(number=1), folder=folder,
        features=tuple(service_types(world.home, "churn")),
    )  # fmt: skip
    return skewed(world.home, world.task, cast("Approved", against), span)


def number(world: World) -> str:
    types = service_types(world.home, "churn")
    return next(name for name, kind in types.items() if kind == "number")


def wrong(rows: list[Prediction], name: str, places: range) -> list[Prediction]:
    return [
        replace(row, features={**row.features, name: -77.0}) if place in places else row
        for place, row in enumerate(rows)
    ]


def test_equal_vectors_are_no_difference(world: World, tmp_path: Path) -> None:
    """Every answer of the server's own code agrees, also beside a row in quarantine."""
    rows = world.answers()
    world.log(rows)
    found = looked(world, tmp_path)
    assert found == Skewed(asked=len(rows), compared=len(rows))
    assert found.compared >= LEAST
    assert found.breaches == ()


def test_a_vector_that_differs_is_counted(world: World, tmp_path: Path) -> None:
    """Three answers on another value are three, named with both values; then data is broken."""
    rows, name = world.answers(), number(world)
    world.log(wrong(rows, name, range(4, 7)))
    found = looked(world, tmp_path)
    assert (found.compared, found.differing, found.problem) == (len(rows), 3, "")
    (breach,) = found.breaches
    assert (breach.check, breach.value) == ("skew", 3 / len(rows))
    assert f"3 of {len(rows)} answers served online were given on other values" in breach.words
    assert f"({name} in 3, such as -77.0 for " in breach.words


def test_a_feature_that_was_redefined_is_not_compared(world: World, tmp_path: Path) -> None:
    """A version that learnt another definition is served today's, and that is no skew."""
    name = number(world)
    world.log(wrong(world.answers(), name, range(3)))
    assert looked(world, tmp_path, **{name: "another definition"}).differing == 0


def test_other_answers_are_no_witnesses(world: World, tmp_path: Path) -> None:
    """Of another version, a batch, or another window: nothing is compared, and no store asked."""
    rows = wrong(world.answers(), number(world), range(99))
    world.log([replace(row, version=2) for row in rows[:5]])
    world.log([replace(row, origin="batch") for row in rows[5:9]])
    world.log(rows[9:])
    before = Span(start=WINDOW.start - 7 * DAY, end=WINDOW.start)
    assert looked(world, tmp_path, before) == Skewed()
    now = looked(world, tmp_path)
    assert (now.asked, now.differing) == (len(rows) - 9, len(rows) - 9)


def test_a_corner_case_is_no_alarm() -> None:
    """One answer of a hundred, or any of a handful, breaks nothing."""
    assert Skewed(asked=100, compared=100, differing=1).breaches == ()
    assert Skewed(asked=9, compared=9, differing=9).breaches == ()
    assert len(Skewed(asked=100, compared=100, differing=3, examples=("x",)).breaches) == 1


@pytest.mark.parametrize(
    "error", [Busy("Somebody ingests."), duckdb.IOException("No files."), FileNotFoundError("gone")]
)
def test_a_store_that_is_written_meanwhile_is_told(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The verdict does not rest on it, and must not fall with it."""

    def fails(*_: object) -> None:
        raise error

    world.log(world.answers())
    monkeypatch.setattr("monitoring.skew.drain", fails)
    found = looked(world, tmp_path)
    assert (found.compared, found.breaches, found.problem) == (0, (), str(error).rstrip("."))


def test_what_cannot_be_compared_is_told(told: Tell) -> None:
    """Where no features were applied the verdict stands, and the report says what it lacks."""
    home = told(Story())
    values: dict[str, FeatureValue] = {"x": 0.0, "noise": 1.0, "plan": "pro"}
    answer = Prediction(
        receipt_id="online", task="churn", version=1, customer_id="c08000",
        event_timestamp=TOLD - DAY, scored_at=TOLD, origin="online", prediction=0.5, answer="no",
        probabilities={"no": 0.5, "yes": 0.5}, features=values,
    )  # fmt: skip
    PredictionLog(home).write([answer])
    found = monitor(home, CHURN, as_of=TOLD, report=False)
    assert (found.verdict, found.skew.compared) == ("ignore", 0)
    assert found.skew.asked == 1
    (line,) = [line for line in found.lines() if "held against the offline store" in line]
    assert "onramp features" in line


def test_skew_is_broken_data(told: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the sample found decides the verdict, and lies in the window's file."""
    home = told(Story())
    skew = Skewed(asked=60, compared=50, differing=30, examples=("x in 30, such as 1.0 for 2.0",))
    monkeypatch.setattr("monitoring.gather.skewed", lambda *_: skew)
    found = monitor(home, CHURN, as_of=TOLD, report=False)
    assert found.verdict == "broken data"
    assert "30 of 50 answers served online were given on other values" in found.reasons[0]
    assert json.loads(found.window_json.read_text())["skew"]["differing"] == 30
