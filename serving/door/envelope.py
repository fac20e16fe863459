"""What every response carries: the request's id, and headers that keep browsers careful."""

from __future__ import annotations

import logging
import random
import re
import secrets
from collections.abc import Iterable, Sequence
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Letters that neither break a log line nor mean anything to a terminal or a shell.
SANE_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
SERVER_ERROR = 500
UNAVAILABLE = 503

request_id: ContextVar[str] = ContextVar("request_id", default="-")
_logger = logging.getLogger("onramp.serving")
# The system's own source costs a call into the kernel each time; an id is no secret.
_draw = random.Random(secrets.randbits(128))  # noqa: S311  names requests apart, protects nothing

Headers = Iterable[tuple[bytes, bytes]]


class Envelope:
    """Names the request, and marks its response with the name and the headers.

    A response that brings one of the headers itself keeps its own: a page needs another
    content security policy than JSON does.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        name(scope)

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                report(scope, message["status"])
                message = {**message, "headers": with_ours(message.get("headers", ()))}
            await send(message)

        await self.app(scope, receive, marked)


def name(scope: Scope) -> str:
    """The request's id, from here on known to log lines as well."""
    found = given(scope["headers"]) or f"{_draw.getrandbits(64):016x}"
    request_id.set(found)
    return found


def given(headers: Headers) -> str:
    """The caller's own id where it can be one, else nothing."""
    for name, value in headers:
        if name == b"x-request-id" and SANE_ID.fullmatch(value):
            return value.decode("ascii")
    return ""


def with_ours(headers: Headers) -> Sequence[tuple[bytes, bytes]]:
    """The response's headers, with the request's id and those of ours that it lacks."""
    own = list(headers)
    names = {name.lower() for name, _ in own}
    return [
        *own,
        (b"x-request-id", request_id.get().encode("ascii")),
        *(pair for pair in HEADERS if pair[0] not in names),
    ]


def report(scope: Scope, status: int) -> None:
    """A line for what failed on our side. The route, not the path: that may name a customer.

    503 has no line: each of its causes has words and a rhythm of its own.
    """
    if status >= SERVER_ERROR and status != UNAVAILABLE:
        route = getattr(scope.get("route"), "path", "no route")
        _logger.error("%s %s was answered with %d", scope["method"], route, status)
