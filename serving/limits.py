"""Request bodies are read once, here, and only up to a limit."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import refusal

BODY_BYTES = 8 * 1024 * 1024

# A client that is still sending cannot read its 413, so what it sends is thrown away as it
# comes; past this many times the limit the connection is closed on it.
PATIENCE = 8


class BodyLimit:
    """Hands the whole body to the app in one message, or answers 413."""

    def __init__(self, app: ASGIApp, limit: int = BODY_BYTES) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self.limit * PATIENCE:
            await self.refuse(scope, receive, send)
            return
        try:
            body = await self.body(receive)
        except ClientDisconnect:
            return
        if body is None:
            await self.refuse(scope, receive, send)
            return
        await self.app(scope, replay(body, receive), send)

    async def body(self, receive: Receive) -> bytes | None:
        """The body; None when there is more of it than the limit.

        Raises:
            ClientDisconnect: the rest of it never came.
        """
        chunks: list[bytes] = []
        size, more = 0, True
        while more and size <= self.limit * PATIENCE:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk = message.get("body", b"")
            size += len(chunk)
            if size <= self.limit:
                chunks.append(chunk)
            more = message.get("more_body", False)
        return b"".join(chunks) if size <= self.limit else None

    async def refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        words = f"The body is too large. {self.limit} bytes are allowed. Send fewer rows at a time."
        await refusal(413, words)(scope, receive, send)


def replay(body: bytes, receive: Receive) -> Receive:
    """The body as one message, then whatever the connection says next."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message
