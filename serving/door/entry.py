"""The door as a whole: what it is made of, and in which order a request passes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serving.door.bearer import Bearer
from serving.door.body import BodyLimit
from serving.door.envelope import Envelope
from serving.door.hosts import HostCheck, Hosts
from serving.door.limits import Limits
from serving.door.shed import Places, Shed
from serving.door.tokens import Tokens


@dataclass(frozen=True, kw_only=True)
class Door:
    """Who is let in, and with how much.

    Attributes:
        tokens: who may ask what; None: anybody may.
        without_tokens: that nobody is asked for one was said in so many words.
        names: what the server is called, beside `localhost` and its addresses.
        hosts: the names that it answers to; None: any.
        told: called for each request that is sent away for too much load, with why.
    """

    limits: Limits = field(default_factory=Limits)
    tokens: Tokens | None = None
    without_tokens: bool = False
    names: tuple[str, ...] = ()
    hosts: Hosts | None = None
    told: Callable[[str], None] = field(default=lambda why: None)  # noqa: ARG005  nobody counts


def behind(app: Starlette, door: Door, places: Places) -> None:
    """Put the app behind the door. What is added last is met first.

    Strangers are turned away before they can take a place, and bodies are read only of those
    who have one.
    """
    app.add_middleware(BodyLimit, limits=door.limits)
    app.add_middleware(Shed, limits=door.limits, told=door.told, places=places)
    if door.tokens is not None:
        app.add_middleware(Bearer, tokens=door.tokens)
    if door.hosts is not None:
        app.add_middleware(HostCheck, hosts=door.hosts)
    app.add_middleware(Envelope)


def guards(door: Door) -> Sequence[Callable[[Scope], Response | None]]:
    """Who may object to a request before its body is read, in the order in which it meets them."""
    found: list[Callable[[Scope], Response | None]] = []
    if door.hosts is not None:
        found.append(HostCheck(nobody, door.hosts).objection)
    if door.tokens is not None:
        found.append(Bearer(nobody, door.tokens).objection)
    return tuple(found)


async def nobody(scope: Scope, receive: Receive, send: Send) -> None:
    """Whoever only objects passes nothing on."""
