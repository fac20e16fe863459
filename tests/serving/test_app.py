"""serving.app: what each endpoint answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from lifecycle.errors import NotReady, UsageError
from lifecycle.home import open_home
from lifecycle.prediction_log import PredictionLog
from serving.app import build_app
from serving.door.entry import Door
from serving.door.limits import Limits
from tasks import churn, preference
from tests.serving.conftest import Forged, TestClient
from tests.serving.forge import FEATURES, rows
from tests.serving.shelf import VECTOR, Shelf

TASKS = (churn.TASK, preference.TASK)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def client(forged: Forged, shelf: Shelf) -> Iterator[TestClient]:
    app = build_app(forged.home, TASKS, lookup=shelf, door=Door(limits=Limits(body_bytes=100_000)))
    with TestClient(app, raise_server_exceptions=True) as client:
        yield client


@pytest.fixture
def empty(bare: Forged, shelf: Shelf) -> Iterator[TestClient]:
    """A server before the first promotion."""
    with TestClient(build_app(bare.home, TASKS, lookup=shelf)) as client:
        yield client


def test_score_answers_each_customer_in_order(client: TestClient) -> None:
    """Known, unknown and stale customers each get their own status; none spoils the others."""
    answer = client.post("/churn/score", json={"customer_ids": ["known-1", "nobody", "old-1"]})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["task"], body["version"]) == ("churn", 1)
    known, unknown, stale = body["answers"]
    assert known["status"] == "scored"
    assert 0 < known["probability"] < 1
    assert known["answer"] in {"yes", "no"}
    assert known["age_seconds"] == pytest.approx(3600)
    assert len(known["receipt_id"]) == 24
    assert (unknown["status"], unknown["probability"]) == ("unknown", None)
    assert unknown["reason"] == "The online store has no features of this customer."
    assert (stale["status"], stale["answer"]) == ("stale", None)
    assert stale["reason"] == "The customer's features are older than their time to live."


def test_score_ranks_the_classes_of_a_multiclass_task(client: TestClient) -> None:
    """All classes come back, likeliest first, and their probabilities are whole."""
    answer = client.post("/preference/score", json={"customer_ids": ["known-1"]}).json()
    ranked = answer["answers"][0]["ranked"]
    shares = [one["probability"] for one in ranked]
    assert {one["class"] for one in ranked} == {"article", "lesson", "video"}
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert answer["answers"][0]["answer"] == ranked[0]["class"]


def test_by_id_and_by_row_answer_the_same(client: TestClient) -> None:
    """The way without a frame and MLflow's way agree to the last digit that matters."""
    by_id = client.post("/churn/score", json={"customer_ids": ["known-1"]}).json()
    by_row = client.post("/invocations", json={"dataframe_records": [VECTOR]}).json()
    expected = by_row["predictions"][0]["probability"]
    assert by_id["answers"][0]["probability"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "body.customer_ids: Field required"),
        ({"customer_ids": []}, "at least 1 item"),
        ({"customer_ids": ["x"] * 1001}, "at most 1000 items"),
        ({"customer_ids": [7]}, "body.customer_ids.0: Input should be a valid string"),
        ({"customer_ids": [""]}, "The customer id is empty. Name a customer."),
        ({"customer_ids": ["a\u0000"]}, "U+0000 at position 1"),
        ({"customer_ids": ["a"], "extra": 1}, "body.extra: Extra inputs are not permitted"),
    ],
)
def test_score_says_what_is_wrong_with_a_request(
    client: TestClient, body: object, words: str
) -> None:
    """A 400 in MLflow's error shape that names the fault."""
    answer = client.post("/churn/score", json=body)
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "BAD_REQUEST"
    assert words in answer.json()["message"]


def test_unknown_task_is_named(client: TestClient) -> None:
    """404 with what there is, for each way of asking a task by name."""
    for path in ("/chrun/score", "/chrun/invocations"):
        answer = client.post(path, json={"customer_ids": ["a"]})
        assert answer.status_code == 404
        assert "No task named 'chrun'." in answer.json()["message"]
        assert "Did you mean 'churn'?" in answer.json()["message"]


def test_personalization_of_a_known_user(client: TestClient) -> None:
    """Risk with its band and cuts, every content type ranked, and where both came from."""
    body = client.get("/api/personalization/known-1").json()
    risk, content = body["risk"], body["content"]
    assert body["user_id"] == "known-1"
    assert risk["band"] in {"low", "medium", "high"}
    assert 0 < risk["bands"]["medium"] <= risk["bands"]["high"] < 1
    assert content["personalized"] is True
    assert [row["score"] for row in content["ranked"]] == sorted(
        (row["score"] for row in content["ranked"]), reverse=True
    )
    for part in (risk, content):
        assert (part["status"], part["reason"], part["version"]) == ("scored", None, 1)
        assert part["age_seconds"] == pytest.approx(3600)
        assert part["receipt_id"]


@pytest.mark.parametrize(
    ("user", "status", "reason"),
    [("nobody", "unknown", "no features of this customer"), ("old-1", "stale", "time to live")],
)
def test_stranger_gets_popular_content(
    client: TestClient, user: str, status: str, reason: str
) -> None:
    """Who is unknown or long unseen is shown what the reference customers took most."""
    body = client.get(f"/api/personalization/{user}").json()
    assert body["risk"]["probability"] is None
    assert body["content"]["personalized"] is False
    assert body["content"]["status"] == status
    assert reason in body["content"]["reason"]
    shares = [row["score"] for row in body["content"]["ranked"]]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)


def test_personalization_without_a_champion(empty: TestClient) -> None:
    """Before the first promotion there is content in the table's order, and the reason."""
    answer = empty.get("/api/personalization/known-1")
    assert answer.status_code == 200
    body = answer.json()
    assert body["risk"]["reason"].startswith("No champion serves churn.")
    assert body["content"]["reason"].startswith("No champion serves preference.")
    assert {row["type"] for row in body["content"]["ranked"]} == {"article", "lesson", "video"}
    assert all(row["score"] is None for row in body["content"]["ranked"])


def test_personalization_with_a_broken_store(client: TestClient, shelf: Shelf) -> None:
    """A store that fails costs the personal touch, not the page."""
    shelf.broken = "the disk is gone"
    answer = client.get("/api/personalization/known-1")
    assert answer.status_code == 200
    body = answer.json()
    assert body["risk"]["status"] == "unavailable"
    assert "OSError: the disk is gone" in body["content"]["reason"]
    assert len(body["content"]["ranked"]) == 3
    scored = client.post("/churn/score", json={"customer_ids": ["known-1"]})
    assert scored.status_code == 503
    assert scored.headers["retry-after"] == "2"


def test_feature_that_the_store_lacks_is_named(client: TestClient, shelf: Shelf) -> None:
    """A model of other features than the store's is never fed holes."""
    del shelf.vector["spent"]
    answer = client.post("/churn/score", json={"customer_ids": ["known-1"]})
    assert answer.status_code == 503
    assert "lacks features of version 1 of churn. Missing: spent." in answer.json()["message"]


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("", "The customer id is empty."),
        ("%20", "The customer id is empty."),
        ("x" * 201, "It has 201 characters; 200 are allowed."),
        ("a%00b", "U+0000 at position 1."),
        ("a%0Ab", "U+000A at position 1."),
    ],
)
def test_bad_ids_are_refused(client: TestClient, user: str, words: str) -> None:
    """An id that can name nobody is a 400 that says why."""
    answer = client.get(f"/api/personalization/{user}")
    assert answer.status_code == 400
    assert words in answer.json()["message"]


def test_server_without_champion_starts_and_says_so(empty: TestClient) -> None:
    """/invocations and /ping are 503 with the way out; /ready lists the empty seats."""
    for ask in (
        empty.post("/invocations", json={"dataframe_records": [VECTOR]}),
        empty.get("/ping"),
    ):
        assert ask.status_code == 503
        assert "Run `onramp promote churn`" in ask.json()["message"]
    ready = empty.get("/ready")
    assert ready.status_code == 503
    assert ready.json()["tasks"]["churn"] == {
        "version": None, "since": None, "rollout": None, "trouble": None,
    }  # fmt: skip


def test_ready_names_the_versions(client: TestClient) -> None:
    """200 once every task has a champion."""
    ready = client.get("/ready")
    assert ready.status_code == 200
    assert {k: v["version"] for k, v in ready.json()["tasks"].items()} == {
        "churn": 1,
        "preference": 1,
    }


def test_first_task_is_the_default(client: TestClient) -> None:
    """/invocations means the first task; the others are asked by name."""
    body = {"dataframe_records": [VECTOR]}
    assert (
        client.post("/invocations", json=body).json()
        == client.post("/churn/invocations", json=body).json()
    )
    other = client.post("/preference/invocations", json=body).json()["predictions"][0]
    assert other["answer"] in {"article", "lesson", "video"}


def test_large_body_is_refused(client: TestClient) -> None:
    """413 with the limit, whether the length was announced or not."""
    big = b" " * 100_001
    chunks: Iterator[bytes] = iter([big[:60_000], big[60_000:]])
    for content in (big, chunks):
        answer = client.post("/invocations", content=content)
        assert answer.status_code == 413
        assert "100000 bytes are allowed." in answer.json()["message"]


def test_every_answer_is_logged(forged: Forged, shelf: Shelf) -> None:
    """Both origins, with the features that went in; unanswered customers are not predictions."""
    sent = rows(5, seed=9)
    with TestClient(build_app(forged.home, TASKS, lookup=shelf)) as client:
        receipt = client.post("/churn/score", json={"customer_ids": ["known-1", "x"]}).json()
        client.post("/invocations", json={"dataframe_split": json.loads(split(sent))})
    logged = PredictionLog(forged.home).read("churn")
    online, invoked = (logged[logged["origin"] == name] for name in ("online", "invocations"))
    assert online["receipt_id"].tolist() == [receipt["answers"][0]["receipt_id"]]
    assert online[["customer_id", "version", "visits", "country"]].to_numpy().tolist() == [
        ["known-1", 1, 3.0, "DE"]
    ]
    assert invoked["customer_id"].isna().all()
    assert invoked["event_timestamp"].isna().all()
    columns = [name for name, _ in FEATURES]
    by_value = (frame[columns].sort_values(columns, ignore_index=True) for frame in (invoked, sent))
    pd.testing.assert_frame_equal(*by_value, check_dtype=False)


def split(frame: object) -> str:
    return str(frame.to_json(orient="split", index=False))  # type: ignore[attr-defined]


def test_unwritable_log_fails_no_request(forged: Forged, shelf: Shelf) -> None:
    """With no folder to write to, answers go out and /ready counts what was lost."""
    forged.home.predictions.write_text("in the way")
    with TestClient(build_app(forged.home, TASKS, lookup=shelf)) as client:
        service = client.app.state.service  # type: ignore[attr-defined]
        answer = client.post("/churn/score", json={"customer_ids": ["known-1"]})
        assert answer.status_code == 200
    state = service.log.state()
    assert (state.written, state.dropped, state.waiting) == (0, 1, 0)
    assert state.trouble.startswith(("FileExistsError", "NotADirectoryError"))


def test_app_needs_a_task(forged: Forged) -> None:
    """A data set that carries no task is said so, not served empty."""
    with pytest.raises(UsageError, match="There is no task to serve"):
        build_app(forged.home, ())


def test_app_needs_a_data_set(tmp_path: Path) -> None:
    """A home that nothing was ingested into has nothing to answer from."""
    with pytest.raises(NotReady, match="Nothing was ingested yet"):
        build_app(open_home(tmp_path / "new"), TASKS)
