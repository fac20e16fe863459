"""Fallback while a real online store hangs: a Redis server that is stopped amid its work."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import redis
import yaml

from feature_repo.configuration import TEMPLATE
from features.store import forget_store
from serving.app import build_app
from serving.patience import BUSY, HANGS
from tests.servers import redis_server
from tests.serving.conftest import TestClient
from tests.serving.fed import Fed, feed
from tests.serving.test_personal import page, soon

PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Stoppable:
    """A Redis server that can be made to hang: its connections stay open and say nothing."""

    address: str
    pid: int

    @contextmanager
    def hanging(self) -> Iterator[None]:
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def server() -> Iterator[Stoppable]:
    with redis_server() as address, redis.Redis.from_url(f"redis://{address}") as one:
        yield Stoppable(address, int(one.info("server")["process_id"]))


@pytest.fixture(scope="module")
def on_redis(server: Stoppable, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fed]:
    """The small home, whose online store is that server."""
    folder = tmp_path_factory.mktemp("hanging")
    config = yaml.safe_load(TEMPLATE.read_text("utf-8"))
    config["online_store"] = {
        "type": "features.online_redis.VectorRedisOnlineStore",
        "connection_string": server.address,
    }
    (folder / "stores.yaml").write_text(yaml.safe_dump(config), "utf-8")
    fed = feed(folder / "home", folder / "stores.yaml")
    yield fed
    forget_store(fed.home)


@pytest.fixture(scope="module")
def client(on_redis: Fed) -> Iterator[TestClient]:
    with TestClient(build_app(on_redis.home, on_redis.tasks)) as client:
        yield client


@pytest.fixture(scope="module")
def known(client: TestClient) -> str:
    """A customer whom the store knows well enough to be scored."""
    body = {"customer_ids": [f"c{n:03}" for n in range(80)]}
    answers = client.post("/churn/score", json=body).json()["answers"]
    return next(str(one["customer_id"]) for one in answers if one["status"] == "scored")


def until_personal(client: TestClient, user: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (body := page(client, user))["personalized"]:
        assert time.monotonic() < deadline, body["fallback_reason"]
    return body


@pytest.mark.parametrize("who", ["known", "nobody"])
def test_a_server_that_hangs_costs_the_personal_touch_and_no_answer(
    client: TestClient, server: Stoppable, known: str, who: str
) -> None:
    """Known or not, each gets content and the reason; when it goes on so do the answers."""
    user = known if who == "known" else "nobody"
    until_personal(client, known)
    with server.hanging():
        body = soon(client, user)
        assert body["personalized"] is False
        assert body["fallback_reason"] in {HANGS.reason, BUSY.reason}
        assert body["risk"]["status"] == "unavailable"
        assert body["content"]["ranked"]
        assert body["welcome"]["text"]
        # who asks for scores alone is told to come again
        answer = client.post("/churn/score", json={"customer_ids": [user]})
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert client.get("/ready").status_code == 200
    until_personal(client, known)


def test_without_features_it_is_content_too(client: TestClient, known: str) -> None:
    """A stranger to a store that answers: fallback, and the reason is another one."""
    until_personal(client, known)
    body = soon(client, "nobody")
    assert body["fallback_reason"] == "The online store has no features of this customer."
    assert body["content"]["ranked"]
