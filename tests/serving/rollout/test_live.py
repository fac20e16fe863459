"""A rollout through the whole app: what callers see, what is logged, what /ready says."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from features.online_row import OnlineRow
from lifecycle.prediction_log import PredictionLog
from serving.app import build_app
from serving.rollout.share import takes
from serving.rollout.steps import begin, stop
from tasks import churn, preference
from tests.serving.conftest import Forged, TestClient

PEOPLE = [f"c{n}" for n in range(60)]
IN = {one for one in PEOPLE if takes("churn", 2, 50.0, one)}


def shelf(service: str, customer_ids: Sequence[str], *, now: datetime) -> tuple[OnlineRow, ...]:
    """Everybody's features, in place of the online store."""
    del service
    return tuple(
        OnlineRow(
            customer_id=one, event_timestamp=now, status="found",
            values={"visits": float(len(one)), "spent": None, "country": "DE"},
        )
        for one in customer_ids
    )  # fmt: skip


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ready(client: TestClient) -> object:
    return client.get("/ready").json()["tasks"]["churn"]["rollout"]


def versions(client: TestClient) -> dict[str, int]:
    answer = client.post("/churn/score", json={"customer_ids": PEOPLE}).json()
    assert answer["version"] == 1
    return {one["customer_id"]: one["version"] for one in answer["answers"]}


def test_a_rollout_is_followed_by_a_running_server(forged: Forged) -> None:
    """Shadow: everybody has the champion's answer. Canary: its customers, everywhere, have theirs.

    Stopped, they are the champion's again; the log tells each kind apart.
    """
    home = forged.home
    with TestClient(build_app(home, (churn.TASK, preference.TASK), lookup=shelf)) as client:
        begin(home, "churn", version=2, actor="ann")
        until(lambda: ready(client) is not None)
        assert set(versions(client).values()) == {1}
        row = {"visits": 3.0, "spent": 8.0, "country": "FR"}
        client.post("/invocations", json={"dataframe_records": [row]}).raise_for_status()
        until(lambda: ready(client)["challenger_answers"] == len(PEOPLE) + 1)  # type: ignore[index]
        begin(home, "churn", share=50.0, actor="ann")
        until(lambda: ready(client)["stage"] == "canary")  # type: ignore[index]
        found = versions(client)
        assert {one for one, version in found.items() if version == 2} == IN
        taken, left = min(IN), min(set(PEOPLE) - IN)
        for user, version in ((taken, 2), (left, 1)):
            page = client.get(f"/api/personalization/{user}").json()
            assert page["risk"]["version"] == version
        stop(home, "churn", actor="ann")
        until(lambda: ready(client) is None)
        assert set(versions(client).values()) == {1}
    logged = PredictionLog(home).read("churn")
    counts = logged.groupby(["origin", "version"]).size().to_dict()
    assert counts == {
        ("online", 1): 2 * len(PEOPLE) + len(PEOPLE) - len(IN) + 1,
        ("canary", 2): len(IN) + 1,
        ("shadow", 2): len(PEOPLE) + 1,
        ("invocations", 1): 1,
    }


def explained(client: TestClient) -> list[dict[str, Any]]:
    """Twenty answers with their reasons; asked again where a busy machine was late with them."""
    body = {"customer_ids": PEOPLE[:20], "reasons": 2}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answers: list[dict[str, Any]] = client.post("/churn/score", json=body).json()["answers"]
        if all(one["reasons"] is not None for one in answers):
            return answers
    raise AssertionError("the reasons were late each time")


def test_reasons_are_of_the_version_that_answered(forged: Forged) -> None:
    """In one question dealt to two versions, each answer is explained by its own."""
    home = forged.home
    with TestClient(build_app(home, (churn.TASK,), lookup=shelf)) as client:
        alone = explained(client)
        begin(home, "churn", share=50.0, version=2, actor="ann")
        until(lambda: ready(client) is not None)
        dealt = explained(client)
    for before, after in zip(alone, dealt, strict=True):
        same = before["reasons"] == after["reasons"]
        assert same == (after["version"] == 1)
        assert (after["version"] == 2) == (after["customer_id"] in IN)
