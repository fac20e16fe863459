"""What was served online is held against the offline store, on a sample, every window."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from feature_repo.apply import apply
from features.build import build
from features.store import definitions, materialize, online, service_types
from lifecycle.home import Home
from lifecycle.prediction_log import FeatureValue, Prediction, PredictionLog
from lifecycle.task import Task
from lifecycle.version_files import FACTS
from monitoring.approved import Approved
from monitoring.skew import LEAST, Skewed, skewed
from monitoring.windows import spans
from tasks import supported
from tests.features.canonical import customer, event, fill, settle

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = START + 10 * DAY
CUSTOMERS = LEAST + 4
(WINDOW,) = spans(NOW, days=7, count=1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Built, applied and materialized; an event of the first customer comes a day late."""
    home = settle(tmp_path_factory.mktemp("skew") / "home")
    people = [customer(f"c{n:03}", START + n * DAY / 10, country="DE") for n in range(CUSTOMERS)]
    events = [
        event(f"c{n:03}", "login", START + (n / 10 + k) * DAY, value=float(n + k))
        for n in range(CUSTOMERS)
        for k in range(1, 4)
    ]
    known = {**events[0], "event_id": "late", "received_at": NOW + DAY}
    fill(home, [*people], [*events, known, event("c001", "login", NOW)])
    task = task_of(home)
    build(home, moments_days=task.moments, as_of=NOW)
    apply(home)
    materialize(home, NOW)
    return home


def task_of(home: Home) -> Task:
    return supported(home.dataset())["churn"]


def against(home: Home, folder: Path, **learned: str) -> Approved:
    """Version 1, which learnt today's features; `learned` are defined otherwise since."""
    path = folder / FACTS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"definitions": {**definitions(home, "churn"), **learned}}))
    known: Any = SimpleNamespace(
        version=SimpleNamespace(number=1), folder=folder,
        features=tuple(service_types(home, "churn")),
    )  # fmt: skip
    return cast("Approved", known)


def serve(home: Home, changes: Mapping[str, FeatureValue], wrong: int) -> None:
    """Log what the server would answer on; the first so many on other values."""
    people = [f"c{n:03}" for n in range(CUSTOMERS)]
    rows = [row for row in online(home, "churn", people, now=NOW) if row.status == "found"]
    PredictionLog(home).write(
        [
            Prediction(
                receipt_id=f"{row.customer_id}-{wrong}", task="churn", version=1,
                customer_id=row.customer_id, event_timestamp=row.event_timestamp,
                scored_at=NOW + timedelta(minutes=wrong), origin="online", prediction=0.5,
                answer="no", probabilities={"no": 0.5, "yes": 0.5},
                features={**row.values, **(changes if n < wrong else {})},
            )
            for n, row in enumerate(rows)
        ]
    )  # fmt: skip


def test_the_sample_agrees_or_names_what_differs(home: Home, tmp_path: Path) -> None:
    """Nothing served, all the same, a few wrong values, a redefined feature: each is told."""
    task, version = task_of(home), against(home, tmp_path / "one")
    assert skewed(home, task, version, WINDOW) == Skewed()
    serve(home, {}, 0)
    same = skewed(home, task, version, WINDOW)
    assert same.compared >= LEAST
    assert (same.differing, same.problem, same.breaches) == (0, "", ())
    name = next(n for n, kind in service_types(home, "churn").items() if kind == "number")
    serve(home, {name: -77.0}, 9)
    odd = skewed(home, task, version, WINDOW)
    assert 0 < odd.differing <= 9
    (breach,) = odd.breaches
    assert f"{odd.differing} of {odd.compared} answers served online" in breach.words
    assert f"{name} in {odd.differing}, such as -77.0 for" in breach.words
    since = against(home, tmp_path / "two", **{name: "another definition"})
    assert skewed(home, task, since, WINDOW).differing == 0


def test_a_corner_case_is_no_alarm() -> None:
    """One answer of a hundred, or any of a handful, breaks nothing."""
    assert Skewed(asked=100, compared=100, differing=1).breaches == ()
    assert Skewed(asked=9, compared=9, differing=9).breaches == ()
    assert len(Skewed(asked=100, compared=100, differing=3, examples=("x",)).breaches) == 1


def test_what_cannot_be_compared_is_told(home: Home, tmp_path: Path) -> None:
    """Without applied features nothing is compared, and nothing raised."""
    serve(home, {}, 0)
    nowhere = replace(task_of(home), name="nothing")
    for file in PredictionLog(home).files("churn"):
        to = home.predictions / "task=nothing" / file.name
        to.parent.mkdir(exist_ok=True)
        to.write_bytes(file.read_bytes())
    found = skewed(home, nowhere, against(home, tmp_path / "one"), WINDOW)
    assert found.asked > 0
    assert found.problem
    assert found.breaches == ()
