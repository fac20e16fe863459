"""`POST /events` of a home that takes them: all that is sent is kept, quarantined or refused."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from features.store import forget_store
from serving.app import build_app
from serving.door.entry import Door
from serving.door.limits import Limits
from tasks import supported
from tests.features.fresh.live import bought, served_home
from tests.serving.conftest import TestClient
from tests.serving.fuzz.cases import share
from tests.serving.fuzz.test_described import CHECKS, EACH, operations, send
from tests.serving.fuzz.test_hostile import JSON

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own dependencies, while they are imported
    from schemathesis import GenerationMode

NAMES = ["c0", "c1", "c2"]
FIELDS = st.sampled_from(["event_id", "customer_id", "event", "occurred_at", "value", "x"])
# Nearly right: known customers, plausible times, and values of any kind.
TIMES = st.sampled_from(["2026-01-05T10:00:00Z", "2026-01-05", "2026-13-01", "0001-01-01T00:00:00Z",
                         "9999-12-31T23:59:59.999999+14:00", "now", "", "1e9"])  # fmt: skip
NEAR = st.fixed_dictionaries(
    {"customer_id": st.sampled_from([*NAMES, "nobody", "'; DROP TABLE events; --"]) | JSON,
     "event": st.sampled_from(["buy", "login", "BUY "]) | JSON,
     "occurred_at": TIMES | JSON},
    optional={"value": JSON, "item": JSON, "event_id": JSON, "received_at": TIMES | JSON},
)  # fmt: skip
EVENTS = JSON | st.lists(st.dictionaries(FIELDS, JSON))


@pytest.fixture(scope="module")
def taking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A data set whose events are described, and three customers with features."""
    home = served_home(tmp_path_factory.mktemp("taking") / "home", NAMES)
    door = Door(limits=Limits(seconds=120.0))
    tasks = tuple(supported(home.dataset()).values())
    with TestClient(build_app(home, tasks, door=door)) as client:
        yield client
    forget_store(home)


def asked(client: TestClient, body: object) -> int:
    """The status: kept or quarantined, or a refusal in its shape."""
    answer = client.post("/events", content=json.dumps(body))
    assert answer.status_code in {200, 400}, answer.text
    if answer.status_code == 200:
        said = answer.json()
        assert said["kept"] + len(said["quarantined"]) == len(body["events"])  # type: ignore[index]
    else:
        assert set(answer.json()) == {"error_code", "message"}
    return answer.status_code


def test_an_event_is_described_as_the_data_set_has_it(taking: TestClient) -> None:
    """Its own properties by name, and nothing beside them."""
    described = taking.get("/openapi.json").json()["components"]["schemas"]["Happened"]
    event = described["properties"]["events"]["items"]
    assert {"customer_id", "event", "occurred_at", "value", "item"} <= set(event["properties"])
    assert event["additionalProperties"] is False


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
def test_every_answer_is_described(taking: TestClient, mode: GenerationMode) -> None:
    """Fitting and unfitting requests; of the fitting ones some are taken, so that 200 is seen."""
    (operation,) = operations(taking, {"/events"})
    seen: Counter[int] = Counter()

    @given(case=operation.as_strategy(generation_mode=mode))
    @EACH
    def answered(case: Any) -> None:
        answer = send(taking, case)
        seen[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    answered()
    assert set(seen) <= {200, 400}
    assert seen[200 if mode is GenerationMode.POSITIVE else 400] > 0


@given(events=st.lists(NEAR, min_size=1, max_size=3))
@example(events=[bought("c0", 10.5)])
@share(0.05, 40)
def test_nearly_right_events(taking: TestClient, events: list[dict[str, Any]]) -> None:
    """Any value in any field: each event has its verdict, or the request its refusal."""
    asked(taking, {"events": events})


def test_a_number_of_thousands_of_digits(taking: TestClient) -> None:
    """Longer than Python itself prints a number: refused like any other that is none."""
    event = json.dumps(bought("c0", 10.5))[:-1] + f', "value": {"9" * 5000}}}'
    answer = taking.post("/events", content=f'{{"events": [{event}]}}')
    assert answer.status_code == 400, answer.text


@given(
    body=JSON | st.fixed_dictionaries({"events": JSON | st.lists(st.dictionaries(FIELDS, JSON))})
)
@share(0.05, 40)
def test_no_json_is_our_failure(taking: TestClient, body: Any) -> None:
    """Whatever JSON is sent as events."""
    asked(taking, body)


def test_it_takes_events_after_all_that(taking: TestClient) -> None:
    """A customer's purchase is kept, and in the features, as if nobody had sent nonsense."""
    body = {"events": [bought("c1", 10.7, event_id="after-all")]}
    said = taking.post("/events?wait=true", json=body).json()
    assert (said["kept"], said["visible"]) == (1, True)
    assert taking.get("/ready").json()["events"]["trouble"] is None
