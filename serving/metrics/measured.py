"""Counts and times every request: outermost, so that refusals are counted like answers."""

from __future__ import annotations

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.metrics.instruments import Metrics
from serving.metrics.routes import Routes

# The caller hung up before the answer; nginx' number for it.
HUNG_UP = 499
FELL_OVER = 500


class Measured:
    """Counts requests of `app` by route and status.

    Args:
        app: what answers.
        metrics: where it is counted.
        routes: names a path by the route that takes it.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: Routes) -> None:
        self.app, self.metrics, self.routes = app, metrics, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = HUNG_UP

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = perf_counter()
        self.metrics.in_flight.value += 1
        try:
            await self.app(scope, receive, counted)
        except Exception:
            status = FELL_OVER
            raise
        finally:
            self.metrics.in_flight.value -= 1
            route = self.routes.name(scope["path"])
            self.metrics.request(route, status, perf_counter() - began)
