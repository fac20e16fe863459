"""serving.features: a version answers only with the features that it learned."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from features.store import definitions
from lifecycle.errors import NotReady
from lifecycle.registry import Registry
from lifecycle.version_files import FACTS
from serving.app import build_app
from serving.batch import score
from serving.champion import load
from serving.features import refuse_changed, refuse_missing
from tests.resealed import reseal
from tests.serving.conftest import TestClient
from tests.serving.fed import Fed

NAME = "active_days_7d"
Learn = Callable[[Mapping[str, str]], None]


@pytest.fixture
def learn(fed: Fed) -> Iterator[Learn]:
    """Writes into churn's champion what its features meant when it was trained."""
    registry = Registry(fed.home)
    champion = registry.champion("churn")
    path = registry.folder(champion) / FACTS
    before = path.read_text()

    def write(learned: Mapping[str, str]) -> None:
        path.write_text(json.dumps({**json.loads(before), "definitions": dict(learned)}))
        reseal(registry, champion)

    yield write
    path.write_text(before)
    reseal(registry, champion)


def test_every_feature_has_a_definition(fed: Fed) -> None:
    """Feast tells of each feature of the service by which definition it was applied."""
    known = definitions(fed.home, "churn")
    assert len(known) > 30
    assert len(set(known.values())) == len(known)
    assert all(len(text) == 16 for text in known.values())


def test_batch_refuses_other_definitions(fed: Fed, learn: Learn) -> None:
    """A feature that was redefined under its name is named, and nothing is scored with it."""
    today = definitions(fed.home, "churn")
    learn({**today, NAME: "another"})
    words = rf"learned other features than today's.*since: {NAME}\. Train again"
    with pytest.raises(NotReady, match=words):
        score(fed.home, fed.tasks[0], as_of=fed.as_of)
    learn(today)
    assert score(fed.home, fed.tasks[0], as_of=fed.as_of).due > 0


def test_the_server_refuses_other_definitions(fed: Fed, learn: Learn) -> None:
    """By customer id it is 503 with the reason; the fallback still has content."""
    learn({**definitions(fed.home, "churn"), NAME: "another"})
    with TestClient(build_app(fed.home, fed.tasks)) as client:
        asked = client.post("/churn/score", json={"customer_ids": ["c070"]})
        shown = client.get("/api/personalization/c070").json()
    assert asked.status_code == 503
    assert f"Defined otherwise since: {NAME}. Train again" in asked.json()["message"]
    assert shown["content"]["status"]
    assert NAME in shown["risk"]["reason"]


def test_what_is_not_known_is_let_through(fed: Fed) -> None:
    """A version of before definitions were kept, and a feature it never had, stop nothing."""
    registry = Registry(fed.home)
    champion = load(registry, registry.champion("churn"))
    assert champion.definitions == {}
    refuse_changed(champion, {NAME: "new"})
    refuse_changed(replace(champion, definitions={"gone": "a"}), {NAME: "new"})


def test_a_missing_feature_is_named(fed: Fed) -> None:
    """Batch and server refuse in the same words when a feature is no longer computed."""
    registry = Registry(fed.home)
    champion = load(registry, registry.champion("churn"))
    known = {name for name, _ in champion.scorer.features}
    refuse_missing(champion, known)
    with pytest.raises(NotReady, match=rf"lacks features of version 1.*Missing: {NAME}"):
        refuse_missing(champion, known - {NAME})
