"""Requests for scores do not go through the router; everything else does, and none is changed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.app import build_app
from serving.quick.straight import Straight
from serving.seat import Seat, Sitting
from tasks import churn, preference
from tests.serving.asked import PLAIN
from tests.serving.conftest import Forged, TestClient

TASKS = (churn.TASK, preference.TASK)
PATHS = ("/invocations", "/churn/invocations", "/preference/invocations", "/x/invocations")


def taken(method: str, path: str, *, seated: bool = True, kind: str = "http") -> str:
    """Who is handed the request."""
    found: list[str] = []

    def named(name: str) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001  ASGI's
            found.append(name)

        return app

    seat, nobody = Seat("churn"), Any
    if seated:
        seat.sitting = Sitting(champion=nobody, app=named("MLflow"), since=datetime.now(UTC))  # type: ignore[arg-type]  # it is not asked
    app = Straight(named("router"), {"/invocations": (seat, named("endpoint"))})
    scope = {"type": kind, "method": method, "path": path}
    asyncio.run(app(scope, Any, Any))  # type: ignore[arg-type]  # nobody receives or sends
    [name] = found
    return name


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"method": "POST", "path": "/invocations"}, "endpoint"),
        ({"method": "GET", "path": "/invocations"}, "router"),
        ({"method": "POST", "path": "/invocations/"}, "router"),
        ({"method": "POST", "path": "/churn/score"}, "router"),
        ({"method": "POST", "path": "/invocations", "seated": False}, "router"),
        ({"method": "POST", "path": "/invocations", "kind": "websocket"}, "router"),
    ],
)
def test_who_is_handed_what(asked: dict[str, Any], name: str) -> None:
    """Only what is sure to be asked for scores, of somebody who serves, takes the straight way."""
    assert taken(**asked) == name


def test_each_task_has_its_own_way(forged: Forged) -> None:
    """By no name the first task answers, by a name that one; a stranger's name is not found."""
    kind, body = PLAIN["one record"]
    with TestClient(build_app(forged.home, TASKS)) as client:
        asked = {
            path: client.post(path, content=body, headers={"Content-Type": kind}) for path in PATHS
        }
    assert asked["/invocations"].content == asked["/churn/invocations"].content
    [preference] = asked["/preference/invocations"].json()["predictions"]
    assert any(key.startswith("p_") for key in preference)
    assert asked["/x/invocations"].status_code == 404
    for answer in asked.values():
        assert answer.headers["x-content-type-options"] == "nosniff"
