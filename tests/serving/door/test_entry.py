"""serving.door.entry, serving.server: the whole door before the real app."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lifecycle.errors import UsageError
from serving.app import build_app
from serving.door.entry import Door
from serving.door.hosts import Hosts
from serving.door.limits import Limits
from serving.door.needs import OTHERWISE, needs
from serving.door.tokens import Tokens, read_tokens
from serving.server import named, refuse_exposed
from tasks import churn
from tests.serving.conftest import Forged, TestClient
from tests.serving.shelf import Shelf

SCORE = {"Authorization": "Bearer score-token-0123456789"}
INGEST = {"Authorization": "Bearer ingest-token-0123456789"}


def held() -> Tokens:
    tokens = read_tokens(None, "score score-token-0123456789\ningest ingest-token-0123456789")
    assert tokens is not None
    return tokens


@pytest.fixture
def guarded(bare: Forged) -> Iterator[TestClient]:
    """The real app without a champion, behind a door with everything on."""
    door = Door(tokens=held(), hosts=Hosts(), limits=Limits(body_bytes=1000))
    app = build_app(bare.home, (churn.TASK,), lookup=Shelf(), door=door)
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def test_each_guard_answers_before_the_next(guarded: TestClient) -> None:
    """Foreign name, no token, wrong role, too much, then the app: all in the envelope."""
    big = b"1" * 2000
    foreign = guarded.post("/invocations", content=big, headers={"Host": "evil.example"})
    strange = guarded.post("/invocations", content=big)
    other = guarded.post("/invocations", content=big, headers=INGEST)
    large = guarded.post("/invocations", content=big, headers=SCORE)
    inner = guarded.post("/churn/score", json={"customer_ids": ["a"]}, headers=SCORE)
    nobody = guarded.get("/nowhere/at/all", headers=SCORE)
    health = guarded.get("/ping")
    answers = (foreign, strange, other, large, inner, nobody, health)
    assert [one.status_code for one in answers] == [421, 401, 403, 413, 503, 403, 503]
    for one in answers:
        assert set(one.json()) == {"error_code", "message"}
        assert one.headers["x-request-id"]
        assert one.headers["x-content-type-options"] == "nosniff"


def test_every_endpoint_has_a_rule_of_its_own(guarded: TestClient) -> None:
    """An endpoint that nobody named would be an administrator's; those that change state may be."""
    described = guarded.get("/openapi.json").json()["paths"]
    assert len(described) >= 8
    unnamed = [
        (method, path)
        for path, item in described.items()
        for method in item
        if needs(method.upper(), path.replace("{", "").replace("}", "")) is OTHERWISE
        and "admin" not in item[method].get("tags", ())
    ]
    assert unnamed == []


def test_the_page_of_endpoints_needs_nothing_from_outside(guarded: TestClient) -> None:
    """`/docs` names every endpoint with its role; no script, and no address but our own."""
    page = guarded.get("/docs")
    described = guarded.get("/openapi.json").json()
    assert page.status_code == 200
    for path in described["paths"]:
        assert f" {path}</code>" in page.text
    assert "<script" not in page.text
    assert "http" not in page.text.replace("http-equiv", "")
    assert "Token: admin or score." in page.text
    assert "'sha256-" in page.headers["content-security-policy"]


def test_an_unforeseen_failure_is_a_500_in_the_envelope(bare: Forged) -> None:
    """MLflow's shape, the id under which the log has the cause, and nothing of the cause."""
    app = build_app(bare.home, (churn.TASK,), lookup=Shelf())

    @app.get("/api/falls")
    async def falls() -> None:
        raise RuntimeError("the secret of the cause")

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/api/falls", headers={"X-Request-Id": "r-500"})
    assert answer.status_code == 500
    assert answer.json() == {
        "error_code": "INTERNAL_ERROR",
        "message": "Onramp failed. Its log says why, under the id r-500.",
    }
    assert answer.headers["x-request-id"] == "r-500"


@pytest.mark.parametrize(
    ("host", "public", "door", "words"),
    [
        ("127.0.0.1", False, Door(), None),
        ("127.0.0.1", False, Door(tokens=held()), None),
        ("192.0.2.7", False, Door(tokens=held()), "say --public and give --tokens FILE"),
        ("192.0.2.7", True, Door(), "Everybody who reaches 192.0.2.7 could ask anything"),
        ("192.0.2.7", True, Door(tokens=held()), None),
        ("192.0.2.7", True, Door(without_tokens=True), None),
    ],
)
def test_who_may_be_reached_by_others(
    host: str, public: bool, door: Door, words: str | None
) -> None:
    """Beyond this machine both are needed: that it was said, and tokens or a word against them."""
    if words is None:
        refuse_exposed(host, door, public=public)
        return
    with pytest.raises(UsageError, match=words):
        refuse_exposed(host, door, public=public)


def test_names_are_checked_unless_tokens_make_it_needless() -> None:
    """Who shows no token is held to the names; names that were given always count."""
    assert named(Door(), "127.0.0.1").hosts == Hosts(frozenset({"127.0.0.1"}))
    assert named(Door(tokens=held()), "192.0.2.7").hosts is None
    ours = named(Door(tokens=held(), names=("Shop.Example.",)), "192.0.2.7").hosts
    assert ours is not None
    assert ours.takes("shop.example:443")
    assert not ours.takes("evil.example")
