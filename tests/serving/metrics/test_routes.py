"""serving.metrics.routes: whatever strangers ask, a label has few values."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import Host, Mount, Route, Router

from serving.metrics.routes import OTHER, Routes


async def endpoint() -> None:
    """Never called."""


ROUTES = (
    Route("/ready", endpoint),
    Route("/{task}/invocations", endpoint),
    Route("/api/personalization/{user_id:path}", endpoint),
    Mount("/page", Router()),
    Host("example.org", Router()),
)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/ready", "/ready"),
        ("/churn/invocations", "/{task}/invocations"),
        ("/api/personalization/c 1/x?y", "/api/personalization/{user_id}"),
        ("/page/style.css", "/page/{path}"),
        ("/ready/", OTHER),
        ("/wp-admin.php", OTHER),
        ("", OTHER),
    ],
)
def test_path_is_named_by_its_route(path: str, name: str) -> None:
    """A page of its own, a pattern, or `other`."""
    assert Routes(lambda: ROUTES).name(path) == name


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=30).map(lambda tail: f"/{tail}"), max_size=50))
def test_names_are_few(paths: list[str]) -> None:
    """No path that anybody makes up adds a value."""
    routes = Routes(lambda: ROUTES)
    known = {"/ready", "/{task}/invocations", "/api/personalization/{user_id}", OTHER}
    assert {routes.name(path) for path in paths} <= known | {"/page/{path}", "/page"}
