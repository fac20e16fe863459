"""How much one request, and all of them together, may ask of the server."""

from __future__ import annotations

from dataclasses import dataclass

BODY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Each with what happens beyond it.

    Attributes:
        body_bytes: 413.
        seconds: from the moment a request is let in to its answer; 503, or 408 where it is the
            body that has not arrived by then.
        at_once: requests in the app at a time. Many, because those that queue for a model are
            scored together.
        waiting: requests that wait to be let in, their bodies unread; 503 beyond.
        wait_seconds: the longest wait; 503 after.
    """

    body_bytes: int = BODY_BYTES
    seconds: float = 10.0
    at_once: int = 64
    waiting: int = 192
    wait_seconds: float = 1.0
