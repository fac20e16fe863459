"""A tiny app behind a part of the door, and ways to ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass
class Inner:
    """Answers every request with its body; counts those that reached it."""

    reached: int = 0
    most: int = 0
    inside: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    held: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            if self.held:
                await self.gate.wait()
            body = await Request(scope, receive).body()
            await PlainTextResponse(body)(scope, receive, send)
        finally:
            self.inside -= 1


def ask(
    app: ASGIApp,
    path: str = "/invocations",
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    content: bytes = b"",
) -> httpx.Response:
    """One request, by itself."""

    async def asked() -> httpx.Response:
        async with client(app) as own:
            return await own.request(method, path, headers=headers, content=content)

    return asyncio.run(asked())


def client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8000")


async def until(true: Callable[[], bool]) -> None:
    """Let others run until it is so."""
    for _ in range(100_000):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never was so")
