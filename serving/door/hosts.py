"""Which names the server answers to, and whose pages may change something here.

A page in somebody's browser can reach a server on the same machine: by a name of its own that
it lets point to 127.0.0.1 (DNS rebinding), or by a form that it sends across. The first has a
foreign name in `Host`, the second a foreign `Origin`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from serving.door.headers import header
from serving.door.objecting import Objecting
from serving.errors import refusal

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST_NAME = 255


@dataclass(frozen=True)
class Hosts:
    """Names that are ours, in lower case, beside `localhost` and any address in figures.

    An address in figures is never a rebound name.
    """

    names: frozenset[str] = frozenset()

    def takes(self, authority: str) -> bool:
        """Whether a `Host` such as `localhost:8000` means us."""
        name = hostname(authority)
        return name in self.names or means_here(name)


def hostname(authority: str) -> str:
    """`Example.org:80` → `example.org`, `[::1]:80` → `::1`; empty when it is no authority."""
    return _hostname(authority) if len(authority) <= LONGEST_NAME else ""


@lru_cache(maxsize=256)  # callers say the same name each time, and reading it costs 10 µs
def _hostname(authority: str) -> str:
    try:
        parts = urlsplit(f"//{authority}")
        alone = not (parts.path or parts.query or parts.fragment or parts.username)
        return (parts.hostname or "").rstrip(".") if alone else ""
    except ValueError:
        return ""


@lru_cache(maxsize=256)
def means_here(name: str) -> bool:
    """`localhost`, or an address in figures."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class HostCheck(Objecting):
    """421 to a request for somebody else, 403 to one that another site's page sent."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        super().__init__(app)
        self.hosts = hosts

    def objection(self, scope: Scope) -> Response | None:
        """421 or 403, if there is reason for one."""
        host = header(scope, b"host")
        if host is None and scope["http_version"] == "1.0":
            return None  # a load balancer's health check; no browser speaks 1.0
        if host is None or not self.hosts.takes(host):
            return refusal(
                421, "The server does not go by the name in Host. Start it with --host-name NAME."
            )
        if scope["method"] in SAFE_METHODS:
            return None
        origin = header(scope, b"origin")
        if origin is None or self.same(origin, host):
            return None
        return refusal(403, "The request comes from another site's page (Origin).")

    def same(self, origin: str, host: str) -> bool:
        """Whether the page is ours; a proxy in front may have changed `Host`, not the name."""
        scheme, _, authority = origin.partition("://")
        ours = authority.lower() == host.lower() or hostname(authority) in self.hosts.names
        return ours and scheme in {"http", "https"}
