"""serving.metrics.measured: every request is counted once, however it ends."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.metrics.instruments import Metrics
from serving.metrics.measured import Measured
from serving.metrics.page import page
from serving.metrics.routes import Routes
from tests.serving.metrics.reading import Read, read

SCOPE = {"type": "http", "method": "GET", "path": "/ready"}


async def endpoint() -> None:
    """Never called: only its route is."""


def measured(app: ASGIApp) -> tuple[Measured, Metrics]:
    metrics = Metrics(lambda: datetime.now(UTC))
    return Measured(app, metrics, Routes(lambda: (Route("/ready", endpoint),))), metrics


def shown(metrics: Metrics) -> Read:
    return read(bytes(page(metrics.registry, "").body).decode())


async def nothing() -> Message:
    return {"type": "http.disconnect"}


async def nowhere(message: Message) -> None:
    """Takes an answer that nobody reads."""


def ask(app: ASGIApp) -> None:
    asyncio.run(app(SCOPE, nothing, nowhere))  # type: ignore[arg-type]  # an ASGI call is a coroutine


def test_an_answer_is_counted_and_timed() -> None:
    """By route and status; the time goes to the class of the status."""
    app, metrics = measured(PlainTextResponse("no", status_code=503))
    for _ in range(3):
        ask(app)
    found = shown(metrics)
    assert found.value("onramp_http_requests_total", route="/ready", status="503") == 3
    count = "onramp_http_request_duration_seconds_count"
    assert found.value(count, route="/ready", status="5xx") == 3
    assert found.value("onramp_http_requests_in_flight") == 0


def test_a_request_in_flight_is_seen() -> None:
    """While it is answered the gauge says one."""
    seen = []

    async def looks(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(shown(metrics).value("onramp_http_requests_in_flight"))
        await PlainTextResponse("yes")(scope, receive, send)

    app, metrics = measured(looks)
    ask(app)
    assert seen == [1]


def test_an_app_that_falls_over_is_a_500() -> None:
    """The error goes on to who answers for it, and is counted."""

    async def falls(*_: object) -> None:
        raise RuntimeError("fell")

    app, metrics = measured(falls)
    with pytest.raises(RuntimeError, match="fell"):
        ask(app)
    found = shown(metrics)
    assert found.value("onramp_http_requests_total", route="/ready", status="500") == 1
    assert found.value("onramp_http_requests_in_flight") == 0


def test_a_caller_who_hangs_up_is_counted_as_such() -> None:
    """Neither an answer nor a fault of ours: 499, as nginx says it."""

    async def gone(*_: object) -> None:
        """Answers nothing, as `BodyLimit` does where the rest of a body never comes."""

    app, metrics = measured(gone)
    ask(app)
    assert shown(metrics).value("onramp_http_requests_total", route="/ready", status="499") == 1


def test_what_is_no_request_passes() -> None:
    """Starting and stopping the app is not counted."""
    seen = []

    async def lives(scope: Scope, *_: object) -> None:
        seen.append(scope["type"])

    app, metrics = measured(lives)
    asyncio.run(app({"type": "lifespan"}, nothing, nowhere))  # type: ignore[arg-type]  # as above
    assert seen == ["lifespan"]
    assert shown(metrics).total("onramp_http_requests_total") == 0
