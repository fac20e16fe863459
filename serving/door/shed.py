"""Lets in as many requests as can be answered in good time, and sends the others away at once.

A server that takes everything answers nobody: under ten times its load each request would wait
for ever and every caller would give up. So a bounded number is inside, a bounded number waits
with its body unread, and the rest gets 503 with `Retry-After`, which costs next to nothing. There
is no state to repair: when the load is gone, so are the refusals.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.door.limits import Limits
from serving.door.needs import needs
from serving.errors import refusal

CALM_SECONDS = 5.0

_logger = logging.getLogger("onramp.serving")


class Places:
    """How many are inside, and who waits for a place. Its methods belong to one event loop."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.inside = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take a place if one is free."""
        if self.inside >= self.limits.at_once:
            return False
        self.inside += 1
        return True

    async def wait(self) -> str:
        """Take a place, waiting for one if need be; why not, where there is none."""
        if self.take():
            return ""
        if len(self._queue) >= self.limits.waiting:
            return "full"
        place = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            async with asyncio.timeout(self.limits.wait_seconds):
                await place
        except TimeoutError:
            self._give_up(place)
            return "waited"
        except asyncio.CancelledError:
            self._give_up(place)
            raise
        return ""

    def _give_up(self, place: asyncio.Future[None]) -> None:
        """Out of the queue; a place that was given in the same moment goes to the next."""
        if place.done() and not place.cancelled():
            self.leave()
        elif place in self._queue:
            self._queue.remove(place)

    def leave(self) -> None:
        """Hand the place to who has waited longest, or free it."""
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.inside -= 1


class Shed:
    """Bounds how many requests are in the app and how long each may take.

    Attributes:
        told: called for every request that is sent away, with why: `full`, `waited` or `slow`.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        told: Callable[[str], None],
        places: Places | None = None,
    ) -> None:
        self.app, self.limits, self.told = app, limits, told
        self.places = places or Places(limits)
        self._spell = Spell()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not needs(scope["method"], scope["path"]).work:
            await self.app(scope, receive, send)
            return
        why = await self.places.wait()
        if why:
            self._refused(why)
            await refusal(503, "The server has more to do than it can. Try again.")(
                scope, receive, send
            )
            return
        try:
            await self._in_time(scope, receive, send)
        finally:
            self.places.leave()

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The app's answer, or 503 when it takes too long; what was begun is not taken back."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(self.limits.seconds) as limit:
                await self.app(scope, receive, watched)
        except TimeoutError:
            if not limit.expired():
                raise
            if begun:
                return
            if not scope.get("body_read"):
                words = f"The body did not arrive in {self.limits.seconds:g} s."
                late = refusal(408, words)
                late.headers["Connection"] = "close"
                await late(scope, receive, send)
                return
            self._refused("slow")
            words = f"There was no answer in {self.limits.seconds:g} s. Try again."
            await refusal(503, words)(scope, receive, send)

    def _refused(self, why: str) -> None:
        self.told(why)
        self._spell.add()


class Spell:
    """Says once that requests are being sent away, and once how many it were: not each time."""

    def __init__(self) -> None:
        self._count = 0
        self._since = self._last = 0.0

    def add(self) -> None:
        now = time.monotonic()
        if self._count == 0:
            self._since = now
            _logger.warning("more load than can be answered: requests are sent away with 503")
            asyncio.get_running_loop().call_later(CALM_SECONDS, self._look)
        self._count += 1
        self._last = now

    def _look(self) -> None:
        """End the spell when it has been calm for long enough, else look again."""
        calm = time.monotonic() - self._last
        if calm < CALM_SECONDS:
            asyncio.get_running_loop().call_later(CALM_SECONDS - calm, self._look)
            return
        lasted, count = self._last - self._since, self._count
        self._count = 0
        _logger.warning("%d requests were sent away in %.1f s; all are taken again", count, lasted)
