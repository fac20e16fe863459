"""Asks who is there: `Authorization: Bearer TOKEN`."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.door.needs import needs
from serving.door.tokens import Tokens
from serving.errors import refusal

SCHEME = b"bearer "


class Bearer:
    """401 to who shows no valid token, 403 to who may do other things than this."""

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self.app, self.tokens = app, tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (no := self.objection(scope)) is not None:
            await no(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def objection(self, scope: Scope) -> Response | None:
        """The refusal, if there is reason for one. It never repeats what was sent."""
        wanted = needs(scope["method"], scope["path"]).roles
        if not wanted:
            return None
        token = shown(scope["headers"])
        if token is None:
            return unknown("Show who you are. Send Authorization: Bearer TOKEN.", "Bearer")
        roles = self.tokens.roles(token)
        if not roles:
            return unknown("Nobody holds this token.", 'Bearer error="invalid_token"')
        if roles & wanted:
            return None
        return refusal(403, f"The token may not do this. It takes {' or '.join(sorted(wanted))}.")


def shown(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The token; None unless exactly one is shown."""
    sent = [value for name, value in headers if name == b"authorization"]
    if len(sent) != 1 or not sent[0].lower().startswith(SCHEME):
        return None
    return sent[0][len(SCHEME) :].strip()


def unknown(message: str, challenge: str) -> Response:
    response = refusal(401, message)
    response.headers["WWW-Authenticate"] = challenge
    return response
