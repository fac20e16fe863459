"""A plain question about customers gets the endpoint's own answer; everything else goes there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.errors import NotReady
from serving.app import build_app
from serving.quick.asked import plain
from serving.quick.rows import TYPES
from tasks import churn, preference
from tests.serving.conftest import Forged, TestClient
from tests.serving.shelf import Shelf

TASKS = (churn.TASK, preference.TASK)
PLAIN = "application/json"
ROUTED = "application/json ; charset=utf-8"  # the same to the endpoint, and not among TYPES

BODIES: dict[str, bytes] = {
    "one": b'{"customer_ids": ["known-1"]}',
    "some": b'{"customer_ids": ["known-1", "nobody", "old-1", "known-1"]}',
    "other scripts": '{"customer_ids": ["Zoë", "日本"]}'.encode(),
    "twice the key": b'{"customer_ids": 1, "customer_ids": ["known-1"]}',
    "no customers": b'{"customer_ids": []}',
    "too many": json.dumps({"customer_ids": ["a"] * 1_001}).encode(),
    "no reasons": b'{"customer_ids": ["known-1"], "reasons": 0}',
    "a misspelt key": b'{"customer_id": ["known-1"]}',
    "another key": b'{"customer_ids": ["known-1"], "x": 1}',
    "numbers": b'{"customer_ids": [1]}',
    "a word": b'{"customer_ids": "known-1"}',
    "an empty name": b'{"customer_ids": [""]}',
    "a line break": b'{"customer_ids": ["a\\nb"]}',
    "a long name": json.dumps({"customer_ids": ["a" * 201]}).encode(),
    "a list": b'["known-1"]',
    "no JSON": b"{",
    "nothing": b"",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, _forged: Forged) -> Iterator[TestClient]:
    here = _forged.copy(tmp_path_factory.mktemp("asked"))
    here.promote("churn", 1)
    here.promote("preference", 1)
    with TestClient(build_app(here.home, TASKS, lookup=Shelf())) as client:
        yield client


def told(client: TestClient, task: str, kind: str, body: bytes) -> tuple[int, Any]:
    """Status and body, without what is different each time."""
    answer = client.post(f"/{task}/score", content=body, headers={"Content-Type": kind})
    said = answer.json()
    for one in said.get("answers", ()):
        assert (one.pop("receipt_id") is None) == (one["status"] != "scored")
        one["event_timestamp"] = one["event_timestamp"] is not None  # the shelf's clock runs on
    return answer.status_code, said


@pytest.mark.parametrize("task", ["churn", "preference"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_answer_is_the_endpoints(client: TestClient, task: str, body: bytes) -> None:
    """Right or wrong, in status and in every word."""
    assert ROUTED.encode() not in TYPES
    assert told(client, task, PLAIN, body) == told(client, task, ROUTED, body)


def test_only_what_is_surely_right_is_plain() -> None:
    """The first four of the table; the endpoint has the words for all others."""
    taken = [name for name, body in BODIES.items() if plain(PLAIN.encode(), body) is not None]
    assert taken == ["one", "some", "other scripts", "twice the key"]
    assert plain(ROUTED.encode(), BODIES["one"]) is None
    assert plain(None, BODIES["one"]) is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=5) | st.integers() | st.none(), max_size=4))
def test_whoever_is_taken_is_taken_whole(names: list[Any]) -> None:
    """All customers in order, or none: nobody is dropped or changed."""
    found = plain(PLAIN.encode(), json.dumps({"customer_ids": names}).encode())
    assert found is None or list(found) == names


def test_a_failing_store_is_said_in_the_same_words(forged: Forged) -> None:
    """503 with Retry-After, whichever way, and no place of the machine."""

    def down(*args: Any, **more: Any) -> Any:  # noqa: ARG001  as the online store's look-up
        raise NotReady("The shelf at /srv/shelves/one.db fell over.")

    with TestClient(build_app(forged.home, TASKS, lookup=down)) as client:
        both = [
            client.post("/churn/score", content=BODIES["one"], headers={"Content-Type": kind})
            for kind in (PLAIN, ROUTED)
        ]
    assert [answer.status_code for answer in both] == [503, 503]
    assert both[0].json() == both[1].json()
    assert "/srv" not in both[0].text
    assert all("retry-after" in answer.headers for answer in both)
