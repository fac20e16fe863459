"""serving.service: answers by customer id from Feast's real online store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from features.store import historical, online
from lifecycle.home import Home, open_home
from lifecycle.prediction_log import PredictionLog
from lifecycle.registry import Registry
from lifecycle.scorer import names
from serving.app import build_app
from serving.champion import load
from tests.serving.conftest import TestClient
from tests.serving.fed import CUSTOMERS, Fed

EVERYBODY = [f"c{n:03}" for n in range(CUSTOMERS)]


@pytest.fixture(scope="module")
def client(fed: Fed) -> Iterator[TestClient]:
    shutil.rmtree(fed.home.predictions, ignore_errors=True)
    with TestClient(build_app(fed.home, fed.tasks)) as client:
        yield client


def test_online_answer_equals_the_offline_one(fed: Fed, client: TestClient) -> None:
    """No skew: what is answered by id is the champion's score of the same moment's history."""
    body = client.post("/churn/score", json={"customer_ids": EVERYBODY}).json()
    answers = pd.DataFrame(body["answers"])
    assert set(answers["status"]) == {"scored"}
    moments = pd.DataFrame(
        {
            "customer_id": answers["customer_id"],
            "event_timestamp": pd.to_datetime(
                answers["event_timestamp"], utc=True, format="ISO8601"
            ),
        }
    )
    registry = Registry(fed.home)
    scorer = load(registry, registry.champion("churn")).scorer
    vectors = historical(fed.home, "churn", moments).select(names(scorer)).to_pandas()
    expected = scorer.score(vectors)[:, 1]
    assert answers["probability"].tolist() == pytest.approx(expected.tolist(), abs=1e-9)


def test_age_is_told_on_the_data_sets_clock(fed: Fed, client: TestClient) -> None:
    """For a data set of the past, features of its last day are fresh."""
    body = client.get("/api/personalization/c079").json()
    assert body["risk"]["status"] == "scored"
    assert 0 <= body["risk"]["age_seconds"] < 60
    row = online(fed.home, "churn", ["c079"])[0]
    assert row.event_timestamp is not None
    assert body["risk"]["event_timestamp"] == row.event_timestamp.isoformat()


@pytest.mark.parametrize(
    "user", ["nobody", "c000'; DROP TABLE x; --", "../../etc/passwd", "ü/é 🙂"]
)
def test_strangers_and_tricks_are_unknown(client: TestClient, user: str) -> None:
    """An id that is no customer of ours gets fallback content, whatever it spells."""
    quoted = "".join(f"%{byte:02x}" for byte in user.encode())
    body = client.get(f"/api/personalization/{quoted}").json()
    assert body["user_id"] == user
    assert body["content"]["status"] == "unknown"
    assert [row["type"] for row in body["content"]["ranked"]]


def test_damaged_store_falls_back(fed: Fed, tmp_path: Path) -> None:
    """With the online store's file destroyed there is content and a reason, and no 500."""
    home: Home = open_home(tmp_path / "home")
    shutil.copytree(fed.home.root, home.root)
    config = home.feast / "feature_store.yaml"
    config.write_text(config.read_text().replace(str(fed.home.root), str(home.root)))
    (home.feast / "online.db").write_bytes(b"not a database" * 500)
    for extra in ("online.db-wal", "online.db-shm"):
        (home.feast / extra).unlink(missing_ok=True)
    with TestClient(build_app(home, fed.tasks)) as client:
        assert client.post("/churn/score", json={"customer_ids": ["c079"]}).status_code == 503
        for _ in range(100):  # where the machine stalls the store is too slow first
            answer = client.get("/api/personalization/c079")
            assert answer.status_code == 200
            content = answer.json()["content"]
            assert content["status"] == "unavailable"
            assert content["ranked"]
            if content["reason"].startswith("The online store cannot be asked."):
                break
        else:
            pytest.fail(content["reason"])


def test_receipts_are_found_in_the_log(fed: Fed) -> None:
    """Each receipt that a user was given is one row of its task's log, with its features."""
    with TestClient(build_app(fed.home, fed.tasks)) as client:
        body = client.get("/api/personalization/c050").json()
    for part, task in (("risk", "churn"), ("content", "preference")):
        logged = PredictionLog(fed.home).read(task).set_index("receipt_id")
        row = logged.loc[body[part]["receipt_id"]]
        assert (row["customer_id"], row["version"], row["origin"]) == ("c050", 1, "online")
        assert row["event_timestamp"] == pd.Timestamp(body[part]["event_timestamp"])
