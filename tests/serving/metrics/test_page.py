"""`GET /metrics` of the whole app: what was asked and answered is what it says."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from serving.app import build_app
from tests.serving.conftest import Forged, TestClient
from tests.serving.metrics.reading import Read, read
from tests.serving.test_app import TASKS, Shelf

ROWS = {"dataframe_records": [{"visits": 3.0, "spent": 8.0, "country": "FR"}] * 4}


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def client(forged: Forged, shelf: Shelf) -> Iterator[TestClient]:
    with TestClient(build_app(forged.home, TASKS, lookup=shelf)) as client:
        yield client


def metrics(client: TestClient) -> Read:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return read(answer.text)


def settled(client: TestClient, rows: int) -> Read:
    """The metrics once so many rows are in the prediction log."""
    deadline = time.monotonic() + 60
    while (found := metrics(client)).value(
        "onramp_prediction_log_rows_total", outcome="written"
    ) < rows:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def test_what_was_asked_is_counted(client: TestClient) -> None:
    """Routes, statuses, customers, scores, ages and log rows all say what happened."""
    asked = client.post("/churn/score", json={"customer_ids": ["known-1", "known-2", "x", "old-1"]})
    client.post("/invocations", json=ROWS)
    client.post("/invocations", content=b"nonsense")
    for path in ("/a", "/b", "/c.php"):
        client.get(path)
    found = settled(client, 6)
    requests = "onramp_http_requests_total"
    assert found.value(requests, route="/{task}/score", status="200") == 1
    assert found.value(requests, route="/invocations", status="200") == 1
    assert found.total(requests, route="/invocations") == 2
    assert found.value(requests, route="other", status="404") == 3
    customers = {"scored": 2, "unknown": 1, "stale": 1}
    for status, count in customers.items():
        assert found.value("onramp_customers_total", task="churn", status=status) == count
    score = {"task": "churn", "version": "1"}
    assert found.value("onramp_prediction_score_count", **score, origin="online") == 2
    assert found.value("onramp_prediction_score_count", **score, origin="invocations") == 4
    given = [one["probability"] for one in asked.json()["answers"] if one["probability"]]
    total = found.value("onramp_prediction_score_sum", **score, origin="online")
    assert total == pytest.approx(sum(given))
    assert found.value("onramp_feature_age_seconds_count", task="churn") == 2
    assert found.value("onramp_feature_age_seconds_bucket", task="churn", le="21600.0") == 2
    assert found.value("onramp_feature_age_seconds_bucket", task="churn", le="600.0") == 0
    assert found.value("onramp_prediction_log_rows_total", outcome="dropped") == 0
    assert found.value("onramp_prediction_log_trouble") == 0
    assert found.value("onramp_events_total", outcome="kept") == 0
    assert found.value("onramp_events_trouble") == 0


def test_seats_are_shown(client: TestClient, forged: Forged) -> None:
    """Which version serves, and that the one which lies about its records was not seated."""
    found = metrics(client)
    for task in ("churn", "preference"):
        assert found.value("onramp_champion_seated", task=task) == 1
        assert found.value("onramp_champion_version", task=task) == 1
        assert found.value("onramp_champion_trouble", task=task) == 0
    forged.promote("churn", 3)
    deadline = time.monotonic() + 60
    while not metrics(client).value("onramp_champion_trouble", task="churn"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert metrics(client).value("onramp_champion_version", task="churn") == 1


def test_before_the_first_promotion_nobody_is_seated(bare: Forged, shelf: Shelf) -> None:
    """A task without a champion is there, with 0: an alert needs a series to look at."""
    with TestClient(build_app(bare.home, TASKS, lookup=shelf)) as client:
        client.post("/churn/score", json={"customer_ids": ["known-1", "known-2"]})
        found = metrics(client)
    assert found.value("onramp_champion_seated", task="churn") == 0
    assert ("onramp_champion_version", frozenset({("task", "churn")})) not in found.samples
    assert found.value("onramp_customers_total", task="churn", status="unavailable") == 2


def test_open_metrics_is_spoken_too(client: TestClient) -> None:
    """A scraper that asks for OpenMetrics gets it, and its own reader takes it."""
    answer = client.get(
        "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"}
    )
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"onramp_http_requests", "onramp_prediction_score", "process_cpu_seconds"} <= families


def test_two_servers_in_a_process_share_nothing(client: TestClient, bare: Forged) -> None:
    """Each has a registry of its own, and no series is kept for nobody."""
    client.get("/ping")
    with TestClient(build_app(bare.home, TASKS, lookup=Shelf())) as other:
        found = metrics(other)
    assert found.total("onramp_http_requests_total") == 0
    assert [name for name in found.names() if name.endswith("_created")] == []
