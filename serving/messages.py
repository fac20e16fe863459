"""What goes over a connection: a body read once and handed on, a 200 as MLflow's app sends it."""

from __future__ import annotations

from starlette.types import Message, Receive, Scope, Send

Headers = tuple[tuple[bytes, bytes], ...]


def content_type(scope: Scope) -> bytes | None:
    """The first content type of the request."""
    return next((value for name, value in scope["headers"] if name == b"content-type"), None)


async def whole(receive: Receive) -> bytes | None:
    """The whole body; None when the client went away before its end."""
    message = await receive()
    if message["type"] == "http.disconnect":
        return None
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    chunks = [body]
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
    return b"".join(chunks)


def replayed(body: bytes, receive: Receive) -> Receive:
    """The body as one message, then whatever the connection says next."""
    return again({"type": "http.request", "body": body, "more_body": False}, receive)


def again(message: Message | None, receive: Receive) -> Receive:
    """The message once more, then whatever the connection says next."""
    waiting = [] if message is None else [message]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message


async def told(send: Send, body: bytes, more: Headers = ()) -> None:
    """Send a 200 as MLflow's app sends it, with more headers after its own."""
    headers = [
        (b"content-length", str(len(body)).encode()),
        (b"content-type", b"application/json"),
        *more,
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
