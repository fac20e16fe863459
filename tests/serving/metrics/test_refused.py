"""What the door refuses is counted like what the app answers: through the whole app."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice

import httpx
import pytest

from serving.app import build_app
from serving.door.entry import Door
from serving.door.hosts import Hosts
from serving.door.limits import Limits
from tasks import churn
from tests.serving.conftest import Forged, TestClient
from tests.serving.door.test_entry import INGEST, SCORE, held
from tests.serving.metrics.reading import Read, read
from tests.serving.test_personal import Store

REQUESTS, SHED = "onramp_http_requests_total", "onramp_http_requests_shed_total"
ASK = {"customer_ids": ["known-1"]}


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    yield made
    made.let_go.set()


@pytest.fixture
def client(bare: Forged, store: Store) -> Iterator[TestClient]:
    """One request inside, none waits, and everything on."""
    bare.promote("churn", 1)
    limits = Limits(body_bytes=1000, at_once=1, waiting=0, seconds=60)
    door = Door(tokens=held(), hosts=Hosts(), limits=limits)
    app = build_app(bare.home, (churn.TASK,), lookup=store, door=door)
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def shown(client: TestClient) -> Read:
    return read(client.get("/metrics", headers=SCORE).text)


def test_every_refusal_at_the_door_is_counted(client: TestClient) -> None:
    """By the route that was meant, with its status; no two in one."""
    path, big = "/invocations", b"1" * 2000
    client.post(path, headers={"Host": "evil.example"})
    client.post(path)
    client.post(path, headers={"Authorization": "Bearer nobody-holds-this-token"})
    client.post(path, headers=INGEST)
    client.post(path, headers={**SCORE, "Origin": "https://evil.example"})
    client.post(path, content=big, headers=SCORE)
    client.post(path, content=b"[" * 100, headers=SCORE)
    found = shown(client)
    expected = {"421": 1, "401": 2, "403": 2, "413": 1, "400": 1}
    for status, count in expected.items():
        assert found.value(REQUESTS, route=path, status=status) == count
    assert found.total(REQUESTS, route=path) == sum(expected.values())
    seconds = "onramp_http_request_duration_seconds_count"
    assert found.value(seconds, route=path, status="4xx") == sum(expected.values())
    assert found.total(SHED) == 0


def test_what_is_shed_is_counted_twice_over(client: TestClient, store: Store) -> None:
    """As a 503 of its route, and by the reason; who is inside is answered and counted as ever."""

    async def crowd() -> list[int]:
        transport = httpx.ASGITransport(client.app)  # type: ignore[arg-type]  # it is an ASGI app
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as own:
            asked = [own.post("/churn/score", json=ASK, headers=SCORE) for _ in range(5)]
            ended = asyncio.as_completed(asked)
            first = [(await one).status_code for one in islice(ended, 4)]
            store.let_go.set()
            return [*first, *[(await one).status_code for one in ended]]

    store.let_go.clear()
    assert client.portal is not None
    assert client.portal.call(crowd) == [503, 503, 503, 503, 200]
    found = shown(client)
    route = "/{task}/score"
    assert found.value(REQUESTS, route=route, status="503") == 4
    assert found.value(REQUESTS, route=route, status="200") == 1
    assert found.value(SHED, reason="full") == found.total(SHED) == 4
