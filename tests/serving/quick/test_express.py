"""The way past all doors changes no answer, header or count; what is not in order goes by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from serving.app import build_app
from serving.door.entry import Door
from serving.door.hosts import Hosts
from serving.door.limits import Limits
from serving.quick.express import Express
from tasks import churn, preference
from tests.serving.asked import JSON, PLAIN, REQUESTS, body, changed
from tests.serving.conftest import Forged, TestClient
from tests.serving.door.test_entry import INGEST, SCORE, held
from tests.serving.metrics.reading import Read, read

TASKS = (churn.TASK, preference.TASK)
PATHS = ("/invocations", "/churn/invocations", "/preference/invocations", "/x/invocations")
DEEP: Any = 1
for _ in range(40):
    DEEP = [DEEP]
MOST = 100_000

Asked = tuple[str, Mapping[str, str], bytes]


def sent(kind: str, content: bytes, path: str = "/invocations", **headers: str) -> Asked:
    return path, {"Content-Type": kind, **SCORE, **headers}, content


PLAINEST = PLAIN["one record"]
EVERY: dict[str, Asked] = {name: sent(*one) for name, one in REQUESTS.items()} | {
    "of a task": sent(*PLAINEST, path="/churn/invocations"),
    "of a stranger": sent(*PLAINEST, path="/x/invocations"),
    "a foreign host": sent(*PLAINEST, Host="evil.example"),
    "a foreign page": sent(*PLAINEST, Origin="https://evil.example"),
    "no token": ("/invocations", {"Content-Type": JSON}, PLAINEST[1]),
    "another role": sent(*PLAINEST, **INGEST),
    "too large": sent(JSON, changed(extra="x" * MOST)),
    "too deep beside the rows": sent(JSON, body(dataframe_records=[{"visits": 1}], params=DEEP)),
    "half a surrogate": sent(JSON, b'{"instances": [{"visits": 1, "country": "\\ud800"}]}'),
    "not UTF-8": sent(JSON, b'{"instances": [{"visits": 1, "country": "\xff"}]}'),
}
ITS_OWN = {"x-request-id", "date"}


def app(forged: Forged) -> Any:
    """Everything on: tokens, hosts, limits."""
    door = Door(tokens=held(), hosts=Hosts(), limits=Limits(body_bytes=MOST))
    return build_app(forged.home, TASKS, door=door)


def told(forged: Forged, monkeypatch: pytest.MonkeyPatch, *, express: bool) -> tuple[Any, Read]:
    """Each request's answer, and what was counted of all."""

    async def past(self: Express, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)

    with monkeypatch.context() as patch:
        if not express:
            patch.setattr(Express, "__call__", past)
        with TestClient(app(forged), base_url="http://localhost") as client:
            answers = {}
            for name, (path, headers, content) in EVERY.items():
                one = client.post(path, content=content, headers=dict(headers))
                rest = [pair for pair in one.headers.items() if pair[0] not in ITS_OWN]
                answers[name] = (one.status_code, rest, one.content)
                assert one.headers["x-request-id"]
            return answers, read(client.get("/metrics", headers=SCORE).text)


def test_no_answer_no_header_and_no_count_is_another(
    forged: Forged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over plain requests, odd ones and those that the door refuses."""
    quick, counted = told(forged, monkeypatch, express=True)
    layers, expected = told(forged, monkeypatch, express=False)
    for name in EVERY:
        assert quick[name] == layers[name], name
    assert {status for status, _, _ in quick.values()} >= {200, 400, 401, 403, 404, 413, 421}
    for metric in ("onramp_http_requests_total", "onramp_http_request_duration_seconds_count"):
        ours = {k: v for k, v in counted.samples.items() if k[0] == metric}
        assert ours == {k: v for k, v in expected.samples.items() if k[0] == metric}, metric
        assert sum(ours.values()) >= len(EVERY)
    in_flight = "onramp_http_requests_in_flight"
    assert counted.total(in_flight) == expected.total(in_flight)


def test_plain_rows_never_meet_the_layers(forged: Forged, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are answered before; others come to the layers, with their whole body."""
    met = []
    with TestClient(app(forged), base_url="http://localhost") as client:
        [one] = [m for m in layers_of(client.app) if isinstance(m, Express)]
        inner = one.app

        async def seen(scope: Any, receive: Any, send: Any) -> None:
            met.append(scope["path"])
            await inner(scope, receive, send)

        monkeypatch.setattr(one, "app", seen)
        for name in PLAIN:
            assert client.post("/invocations", content=PLAIN[name][1], headers=EVERY[name][1])
        assert met == []
        answer = client.post("/invocations", content=b"{", headers=EVERY["not JSON"][1])
        assert (met, answer.status_code) == (["/invocations"], 400)
        assert one.places.inside == 0


def layers_of(app: Any) -> list[Any]:
    """From the outermost of the built stack inwards."""
    found, one = [], app.middleware_stack
    while one is not None:
        found.append(one)
        one = getattr(one, "app", None)
    return found


def test_a_request_keeps_its_own_id(forged: Forged) -> None:
    """A sane one that the caller gave; else one that no other request has."""
    _, headers, content = EVERY["one record"]
    with TestClient(app(forged), base_url="http://localhost") as client:
        given = client.post(
            "/invocations", content=content, headers={**headers, "X-Request-Id": "mine-1"}
        )
        fresh = {
            client.post("/invocations", content=content, headers=dict(headers)).headers[
                "x-request-id"
            ]
            for _ in range(20)
        }
    assert given.headers["x-request-id"] == "mine-1"
    assert len(fresh) == 20


def test_each_task_has_its_own_way(forged: Forged) -> None:
    """By no name the first task answers, by a name that one; a stranger's name is not found."""
    kind, content = PLAIN["one record"]
    with TestClient(build_app(forged.home, TASKS)) as client:
        asked = {
            path: client.post(path, content=content, headers={"Content-Type": kind})
            for path in PATHS
        }
    assert asked["/invocations"].content == asked["/churn/invocations"].content
    [preference] = asked["/preference/invocations"].json()["predictions"]
    assert any(key.startswith("p_") for key in preference)
    assert asked["/x/invocations"].status_code == 404
    for answer in asked.values():
        assert answer.headers["x-content-type-options"] == "nosniff"
