"""POST /events: kept when it is answered, in the features a moment later, by whoever dies."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from features.store import forget_store, online
from lifecycle.errors import NotReady
from lifecycle.event_journal import EventJournal
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from serving.app import build_app
from serving.fresh import FreshLane
from serving.fresh_path import FreshPath
from tasks import supported
from tests.features.canonical import settle
from tests.features.fresh.live import bought, served_home
from tests.serving.conftest import TestClient
from tests.serving.metrics.reading import Read, read

NAMES = [f"c{n}" for n in range(14)]
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Each test has a customer of its own."""
    home = served_home(tmp_path_factory.mktemp("served") / "home", NAMES)
    yield home
    forget_store(home)


_customers = count()


@pytest.fixture
def name() -> str:
    return NAMES[next(_customers)]


@pytest.fixture(scope="module")
def client(home: Home) -> Iterator[TestClient]:
    with TestClient(build_app(home, tuple(supported(home.dataset()).values()))) as client:
        yield client


def metrics(client: TestClient) -> Read:
    return read(client.get("/metrics").text)


def bought_by(home: Home, name: str) -> object:
    """What is served of a customer's purchases."""
    [row] = online(home, "churn", [name])
    return row.values["count_buy_7d"]


def soon(home: Home, name: str, number: float) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if bought_by(home, name) == number:
            return True
        time.sleep(0.02)
    return False


def test_events_are_kept_and_served(client: TestClient, home: Home, name: str) -> None:
    """Sent again they change nothing; what is refused has its place and its reason."""
    events = [bought(name, 10.5, event_id="1"), bought(name, 10.4, event_id="2"),
              {**bought(name, 10.4), "event": "dance"}]  # fmt: skip
    first = client.post("/events?wait=true", json={"events": events})
    assert first.status_code == 200, first.text
    body = first.json()
    assert (body["kept"], body["visible"]) == (2, True)
    assert body["quarantined"] == [{"event": 2, "reason": "unknown event"}]
    assert bought_by(home, name) == 2.0
    again = client.post("/events?wait=true", json={"events": events[:2]}).json()
    assert (again["kept"], [one["reason"] for one in again["quarantined"]]) == (
        0,
        ["duplicate"] * 2,
    )
    assert bought_by(home, name) == 2.0


def test_without_waiting_it_is_served_a_moment_later(
    client: TestClient, home: Home, name: str
) -> None:
    """The answer says that the events are on disk."""
    body = client.post("/events", json={"events": [bought(name, 10.6)]}).json()
    assert body["kept"] == 1
    assert "visible" not in body
    assert soon(home, name, 1.0)


def test_who_has_no_features_is_named(client: TestClient) -> None:
    """A customer whose sign-up is not known yet."""
    body = client.post("/events?wait=true", json={"events": [bought("somebody", 10.6)]}).json()
    assert (body["kept"], body["without_features"]) == (1, ["somebody"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "events"),
        ({"events": []}, "events"),
        ({"events": {}}, "events"),
        ({"events": ["text"]}, "events"),
        ({"events": [{}], "more": 1}, "more"),
        ({"events": [bought("a", 1, valeu=1)]}, "Did you mean 'value'"),
        ({"events": [bought("a", 1, value=[1])]}, "Event 0"),
        ({"events": [bought("a\n", 1)]}, "customer id"),
        ({"events": [bought("a", 1)] * 1001}, "1000"),
    ],
)
def test_what_is_no_request_is_refused(client: TestClient, body: Any, words: str) -> None:
    """In the shape that every refusal has, and nothing is kept of it."""
    before = client.get("/ready").json()["events"]["events"]
    answer = client.post("/events", json=body)
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["message"]
    assert client.get("/ready").json()["events"]["events"] == before


def test_requests_that_waited_are_taken_together(home: Home, name: str) -> None:
    """Each has its own answer, and the work was done once."""
    told: list[tuple[int, float]] = []
    lane = FreshLane(home, (1, 3, 7), measure=lambda *one: told.append(one))
    requests = [lane.put([bought(name, 10.1 + n / 100)]) for n in range(9)]
    for request in requests:
        assert request.kept.result(PATIENCE_SECONDS).reasons == (None,)
        request.visible.result(PATIENCE_SECONDS)
    lane.stop()
    assert [events for events, _ in told] == [1] * 9
    assert len({request.kept.result().moment for request in requests}) < 9
    assert bought_by(home, name) == 9.0


def test_what_cannot_be_taken_is_counted_and_not_measured(home: Home, name: str) -> None:
    """Refused for want of room or of time, it is there to be sent again, and was never visible."""
    told: list[tuple[int, float]] = []
    lane = FreshLane(home, (1, 3, 7), measure=lambda *one: told.append(one))
    lane.put([bought(name, 10.9)] * 2).visible.result(PATIENCE_SECONDS)
    lane.stop()
    with pytest.raises(NotReady, match="The server ends"):
        lane.put([bought(name, 10.91)] * 3)
    state = lane.state()
    assert (state["events"], state["kept"], state["refused"]) == (2, 1, 3)
    assert [events for events, _ in told] == [1]


def test_how_long_events_take_is_in_the_metrics(client: TestClient, name: str) -> None:
    """Each kept event is counted with the time until its customer's features held it."""
    before = metrics(client)
    began = time.monotonic()
    body = {"events": [bought(name, 10.2), bought(name, 10.3), {**bought(name, 1), "event": "no"}]}
    assert client.post("/events?wait=true", json=body).json()["visible"] is True
    visible, total = "onramp_events_visible_seconds", "onramp_events_total"
    after = metrics(client)
    assert after.total(f"{visible}_count") - before.total(f"{visible}_count") == 2
    spent = after.total(f"{visible}_sum") - before.total(f"{visible}_sum")
    assert 0 < spent <= 2 * (time.monotonic() - began)
    assert after.value(total, outcome="kept") - before.value(total, outcome="kept") == 2
    assert after.value(total, outcome="not_kept") - before.value(total, outcome="not_kept") == 1
    assert after.value(total, outcome="refused") == 0


def test_what_a_killed_server_kept_is_served_by_the_next(home: Home, name: str) -> None:
    """It was answered, and so it is on disk; the features follow."""
    path = FreshPath(home, (1, 3, 7))
    assert path.take(path.live.read([bought(name, 10.7)])).kept == 1
    assert bought_by(home, name) == 0.0
    lane = FreshLane(home, (1, 3, 7))
    lane.start()
    try:
        assert soon(home, name, 1.0)
    finally:
        lane.stop()


def test_the_journal_goes_to_the_event_store(home: Home, name: str) -> None:
    """Now and then while it works, and at the end."""
    lane = FreshLane(home, (1, 3, 7), drain_seconds=0.05)
    lane.put([bought(name, 10.8)]).visible.result(PATIENCE_SECONDS)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while EventJournal(home).waiting() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert EventJournal(home).waiting() == 0
    lane.stop()
    with EventStore(home).connect(home.dataset()) as db:
        found = db.execute("SELECT count(*) FROM events WHERE customer_id = ?", [name]).fetchall()
    assert found == [(2,)]


def test_without_a_source_file_events_are_refused(tmp_path: Path) -> None:
    """503, with the reason: nothing is promised that cannot be kept."""
    home = settle(tmp_path / "home")
    with TestClient(build_app(home, tuple(supported(home.dataset()).values()))) as client:
        answer = client.post("/events", json={"events": [bought("a", 1)]})
    assert answer.status_code == 503
    assert "does not describe a data set" in answer.json()["message"]
