"""The page at `/`: type a customer, see the answer and why, and how the service fares.

Plain files without a build step; they ask the same endpoints as everybody and hold nothing
themselves, so they need no token. Their policy lets a browser load from here and nowhere else.
"""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response
from starlette.routing import Route

FOLDER = Path(__file__).parent
FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page/answer.js": ("answer.js", "text/javascript; charset=utf-8"),
    "/page/health.js": ("health.js", "text/javascript; charset=utf-8"),
    "/page/icon.svg": ("icon.svg", "image/svg+xml"),
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def routes() -> list[Route]:
    """One for each file, read once; a response is an ASGI app of its own."""
    return [
        Route(
            path,
            Response((FOLDER / name).read_bytes(), media_type=kind, headers=HEADERS),
            methods=["GET"],
            name=name,
        )
        for path, (name, kind) in FILES.items()
    ]
