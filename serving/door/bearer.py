"""Asks who is there: `Authorization: Bearer TOKEN`."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from serving.door.needs import needs
from serving.door.objecting import Objecting
from serving.door.tokens import Tokens
from serving.errors import refusal

SCHEME = b"bearer "


class Bearer(Objecting):
    """401 to who shows no valid token, 403 to who may do other things than this."""

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        super().__init__(app)
        self.tokens = tokens

    def objection(self, scope: Scope) -> Response | None:
        """401 or 403, if there is reason for one."""
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
