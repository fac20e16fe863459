"""serving.door.envelope: every response has an id that the log knows, and careful headers."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serving.door.envelope import HEADERS, Envelope
from serving.door.log_lines import WithRequestId
from tests.serving.door.asking import Inner, ask


def test_a_sane_id_is_kept() -> None:
    """The caller's own id comes back, so that both logs speak of the same request."""
    answer = ask(Envelope(Inner()), headers={"X-Request-Id": "shop-42.a_B"})
    assert answer.headers["x-request-id"] == "shop-42.a_B"


@given(sent=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80))
@settings(deadline=None)
def test_an_id_never_carries_anything_else(sent: str) -> None:
    """What could forge a log line or a header is replaced by an id of ours."""
    answer = ask(Envelope(Inner()), headers={"X-Request-Id": sent.encode("latin-1")})  # type: ignore[dict-item]
    given_back = answer.headers["x-request-id"]
    assert given_back.replace(".", "").replace("-", "").replace("_", "").isalnum()
    assert given_back.isascii()
    assert len(given_back) <= 64


def test_made_ids_differ() -> None:
    """Two requests without an id are told apart."""
    app = Envelope(Inner())
    assert len({ask(app).headers["x-request-id"] for _ in range(20)}) == 20


def test_headers_are_on_every_response() -> None:
    """Each header, unless the response brings its own: a page needs another policy."""

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        own = {"Content-Security-Policy": "default-src 'self'"}
        await Response("x", headers=own)(scope, receive, send)

    plain, own = ask(Envelope(Inner())), ask(Envelope(page))
    for name, value in HEADERS:
        assert plain.headers[name.decode()] == value.decode()
    assert own.headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert own.headers["x-content-type-options"] == "nosniff"


def test_a_failure_is_logged_under_the_id_and_without_the_path(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The line names the request, not the customer whose id is in the path."""

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("x", status_code=500)(scope, receive, send)

    caplog.handler.addFilter(WithRequestId())
    caplog.handler.setFormatter(logging.Formatter("[%(request_id)s] %(message)s"))
    ask(Envelope(failing), "/api/personalization/ann", headers={"X-Request-Id": "r-1"})
    assert caplog.handler.format(caplog.records[-1]) == "[r-1] POST no route was answered with 500"
    assert "ann" not in caplog.text
