"""One POST to somebody's receiver, whose address and answer stay private."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from lifecycle.receiver import loopback

TIMEOUT_SECONDS = 5.0


def post(
    url: str, content: bytes, headers: Mapping[str, str], seconds: float = TIMEOUT_SECONDS
) -> str:
    """Send once; returns why it failed, without the address's path; empty when it was taken."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    # a loopback message goes through nobody's proxy, and nothing follows to another address
    try:
        with (
            httpx.Client(timeout=seconds, trust_env=not loopback(parts)) as client,
            client.stream("POST", url, content=content, headers=dict(headers)) as answer,
        ):  # its body is not read: nothing in it is of use, and it may never end
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        # the error's own words may hold the address
        return f"{origin} could not be reached ({type(error).__name__})."
    return "" if httpx.codes.is_success(status) else f"{origin} answered {status}."
