"""Request bodies are read once, here, up to a limit, and JSON is looked at before it is parsed."""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.door.headers import header
from serving.door.json_text import fault
from serving.door.limits import Limits
from serving.errors import refusal
from serving.messages import replayed

# A client that is still sending cannot read its 413, so what it sends is thrown away as it
# comes; past this many times the limit the connection is closed on it.
PATIENCE = 8
TOO_LARGE = 413


class BodyLimit:
    """Hands the whole body to the app in one message, or refuses: 413, or 400 to bad JSON.

    It writes `body_read` into the scope when it is through, for who measures the time.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limit = app, limits.body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = header(scope, b"content-length") or ""
        if announced.isdecimal() and int(announced) > self.limit * PATIENCE:
            await self.refuse(self.too_large, scope, receive, send)
            return
        try:
            body = await self.body(receive)
        except ClientDisconnect:
            return
        scope["body_read"] = True
        kind = header(scope, b"content-type")
        if no := self.objection(body, "json" if kind is None else kind):
            await self.refuse(no, scope, receive, send)
            return
        await self.app(scope, replayed(body or b"", receive), send)

    def objection(self, body: bytes | None, kind: str) -> tuple[int, str] | None:
        """Status and words, if the body cannot be passed on."""
        if body is None:
            return self.too_large
        words = fault(body) if body and "json" in kind.lower() else ""
        return (400, words) if words else None

    @property
    def too_large(self) -> tuple[int, str]:
        words = f"The body is too large. {self.limit} bytes are allowed. Send fewer rows at a time."
        return TOO_LARGE, words

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

    async def refuse(self, no: tuple[int, str], scope: Scope, receive: Receive, send: Send) -> None:
        response = refusal(*no)
        if no[0] == TOO_LARGE:
            response.headers["Connection"] = "close"  # more may come, and nobody will read it
        await response(scope, receive, send)
