"""What stands before the app and lets a request in, or answers it with a refusal."""

from __future__ import annotations

from abc import ABC, abstractmethod

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class Objecting(ABC):
    """Middleware that decides by what stands above the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (no := self.objection(scope)) is not None:
            await no(scope, receive, send)
            return
        await self.app(scope, receive, send)

    @abstractmethod
    def objection(self, scope: Scope) -> Response | None:
        """The refusal, if there is reason for one. It never repeats what was sent."""
