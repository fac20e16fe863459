"""serving.invocations: the short way is tried first; MLflow's app gets the rest, untouched."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from serving.invocations import ScoringApp, ToMLflow
from serving.seat import Seat, Sitting

SHORT = b'{"predictions": []}'


@dataclass
class Way:
    """A short way that answers `plain` and leaves everything else."""

    asked: list[tuple[bytes | None, bytes]] = field(default_factory=list)

    async def answer(self, content_type: bytes | None, body: bytes) -> bytes | None:
        self.asked.append((content_type, body))
        return SHORT if body == b"plain" else None


@dataclass
class App:
    """Answers with the body that it was sent, as MLflow's app would read it."""

    types: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.types += [value for name, value in scope["headers"] if name == b"content-type"]
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"MLflow: " + body})


def answered(
    messages: Sequence[Message],
    *,
    way: Way | None,
    method: str = "POST",
    path: str = "/invocations",
) -> tuple[App, list[Message]]:
    """What is sent for a request whose body comes in these messages."""
    app, seat, told = App(), Seat("churn"), list[Message]()
    scoring = ScoringApp(app, way)  # type: ignore[arg-type]  # it answers as Quick does
    champion: Any = None
    seat.sitting = Sitting(champion=champion, app=scoring, since=datetime.now(UTC))
    coming = iter(messages)

    async def receive() -> Message:
        return next(coming)

    async def send(message: Message) -> None:
        told.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    asyncio.run(ToMLflow(lambda _: seat, path)(scope, receive, send))
    return app, told


def pieces(*bodies: bytes) -> list[Message]:
    return [
        {"type": "http.request", "body": body, "more_body": n + 1 < len(bodies)}
        for n, body in enumerate(bodies)
    ]


@pytest.mark.parametrize("body", [(b"plain",), (b"pl", b"", b"ain")])
def test_what_the_short_way_answers_is_sent(body: tuple[bytes, ...]) -> None:
    """With MLflow's status and headers; MLflow's app is not asked, however the body came."""
    way = Way()
    app, (start, end) = answered(pieces(*body), way=way)
    assert way.asked == [(b"application/json", b"plain")]
    assert start["status"] == 200
    assert dict(start["headers"]) == {
        b"content-type": b"application/json",
        b"content-length": str(len(SHORT)).encode(),
    }
    assert end["body"] == SHORT
    assert app.types == []


def test_the_rest_goes_to_mlflow_whole() -> None:
    """What was read to try the short way is there again for MLflow's app."""
    app, (_, end) = answered(pieces(b"so", b"mething"), way=Way())
    assert end["body"] == b"MLflow: something"
    assert app.types == [b"application/json"]


def test_without_a_short_way_nothing_is_read_before() -> None:
    """A version that has none is MLflow's from the first byte."""
    _, (_, end) = answered(pieces(b"pl", b"ain"), way=None)
    assert end["body"] == b"MLflow: plain"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/invocations"), ("GET", "/ping"), ("POST", "/version")]
)
def test_only_questions_take_it(method: str, path: str) -> None:
    """Other methods and pages are MLflow's."""
    way = Way()
    answered(pieces(b"plain"), way=way, method=method, path=path)
    assert way.asked == []


def test_who_went_away_is_not_answered() -> None:
    """A client that hangs up amid its body costs no score."""
    way = Way()
    begun = [{"type": "http.request", "body": b"pl", "more_body": True}]
    app, told = answered([*begun, {"type": "http.disconnect"}], way=way)
    assert (app.types, told, way.asked) == ([], [], [])
