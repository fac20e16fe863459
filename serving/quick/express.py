"""Plain rows of features are let through all doors at once and answered in one go.

Each layer between the socket and the model costs as much as a sixth of the model. What stands in
order (method, path, host, token, a free place, a body that came whole and is plain) passes here
under the same rules, read by the same code, and gets the same bytes and headers. Whatever does
not goes to the layers, which have the words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.door.envelope import HEADERS, name
from serving.door.json_text import too_deep
from serving.door.limits import Limits
from serving.door.shed import Places
from serving.messages import again, content_type, told
from serving.metrics.instruments import Metrics
from serving.quick.scoring import Quick
from serving.seat import Seat

OK = 200
PLAIN = "onramp.plain"
Objection = Callable[[Scope], Response | None]


class Express:
    """Outermost of all layers.

    Args:
        app: everything else.
        ways: path → the seat it asks, and the route by which it is counted.
        guards: who may object by what stands above the body.
        places: shared with whoever sheds load.
        limits: of the door.
        metrics: where it is counted.
    """

    def __init__(  # each is one rule of the door
        self,
        app: ASGIApp,
        *,
        ways: Mapping[str, tuple[Seat, str]],
        guards: Sequence[Objection],
        places: Places,
        limits: Limits,
        metrics: Metrics,
    ) -> None:
        self.app, self.ways, self.guards = app, ways, guards
        self.places, self.limits, self.metrics = places, limits, metrics
        self._last: object = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        way = self.ways.get(scope["path"]) if scope["type"] == "http" else None
        sitting = way[0].sitting if way else None
        quick = sitting.quick if sitting else None
        if (
            way is None
            or quick is None
            or scope["method"] != "POST"
            or any(objection(scope) is not None for objection in self.guards)
            or not self.places.take()
        ):
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        self.metrics.in_flight.value += 1
        try:
            message, body = await self._answer(scope, receive, quick)
        finally:
            self.metrics.in_flight.value -= 1
            self.places.leave()
        if body is None:
            await self.app(scope, again(message, receive), send)
            return
        await told(send, body, ((b"x-request-id", name(scope).encode("ascii")), *HEADERS))
        self.metrics.request(way[1], OK, perf_counter() - began)

    async def _answer(
        self, scope: Scope, receive: Receive, quick: Quick
    ) -> tuple[Message | None, bytes | None]:
        """What was received, and the answer; None where it takes more than this to be sure."""
        try:
            async with asyncio.timeout(self.limits.seconds):
                message = await receive()
        except TimeoutError:  # its time begins anew in the layers, which have the words
            return None, None
        body: bytes = message.get("body", b"")
        whole = body and not message.get("more_body", False)
        if not whole or len(body) > self.limits.body_bytes or too_deep(body):
            return message, None
        alone, self._last = scope.get("client") == self._last, scope.get("client")
        answer = await quick.answer(content_type(scope), body, alone=alone)
        scope[PLAIN] = answer is not None  # nobody need read it again to find that out
        return message, answer
