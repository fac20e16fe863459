"""Changes of the registry reach those who read online, and stop nobody."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from feast import FeatureService

from features.online_plan import forget_plans, plan_of
from features.store import forget_store
from lifecycle.errors import NotReady, UnknownName
from lifecycle.home import Home, open_home
from tests.features.online_world import SQLITE, World, make_world, open_feast


@pytest.fixture
def shop(tmp_path: Path) -> Home:
    """A home with a registry of its own and one service."""
    home = open_home(tmp_path / "home")
    world = make_world(home.feast, {"type": SQLITE, "path": str(home.feast / "online.db")})
    world.feast.apply([service(world, "visits")])
    # Feast's own words for its configuration, which JSON is as well as YAML.
    config = world.feast.config.model_dump_json(by_alias=True, include={"project", "provider"})
    (home.feast / "feature_store.yaml").write_text(
        config[:-1]
        + f""", "registry": {{"registry_type": "sql",
        "path": "sqlite:///{home.feast / "registry.db"}"}}, "offline_store": {{"type": "duckdb"}},
        "online_store": {{"type": "{SQLITE}", "path": "{home.feast / "online.db"}"}},
        "entity_key_serialization_version": 3}}"""
    )
    return home


def service(world: World, *features: str) -> FeatureService:
    view = world.feast.get_feature_view("behaviour")
    return FeatureService(name="shopping", features=[view[list(features)]])


def elsewhere(home: Home) -> World:
    """Feast as another process opens it."""
    online = {"type": SQLITE, "path": str(home.feast / "online.db")}
    return World(open_feast(home.feast, online), {})


def test_what_another_process_applies_is_taken_up_in_passing(shop: Home) -> None:
    """The plan before it answers on, and within seconds the new one does."""
    first = plan_of(shop, "shopping")
    assert list(first.places) == ["visits"]
    assert plan_of(shop, "shopping") is first
    other = elsewhere(shop)
    other.feast.apply([service(other, "visits", "kind")])
    deadline = time.monotonic() + 60
    while list(plan_of(shop, "shopping").places) != ["visits", "kind"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_this_process_changed_is_seen_at_once(shop: Home) -> None:
    """Forgetting plans, or the store, makes the next look a new one."""
    first = plan_of(shop, "shopping")
    other = elsewhere(shop)
    other.feast.apply([service(other, "spent")])
    forget_plans(shop)
    second = plan_of(shop, "shopping")
    assert (list(first.places), list(second.places)) == (["visits"], ["spent"])
    forget_store(shop)
    assert plan_of(shop, "shopping") is not second


def test_a_service_that_is_gone_is_unknown_soon(shop: Home) -> None:
    """Who asks for it is told so, and not answered by what it was."""
    plan_of(shop, "shopping")
    elsewhere(shop).feast.delete_feature_service("shopping")
    with pytest.raises(UnknownName, match="No feature service named 'shopping'"):
        ask_on(shop)


def ask_on(home: Home) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        plan_of(home, "shopping")
        time.sleep(0.02)


def test_a_home_without_a_registry_is_not_ready(tmp_path: Path) -> None:
    """Nothing was applied: the command to run is named."""
    with pytest.raises(NotReady, match="Run `onramp features` first"):
        plan_of(open_home(tmp_path), "shopping")
