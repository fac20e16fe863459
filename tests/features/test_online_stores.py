"""One contract for both online stores of ours, and for Feast's readers and writers over them."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.online_port import Span
from features.online_row import online_row
from features.online_time import micros_of
from features.tables import TTL
from tests.features.online_world import (
    NOW,
    TICK,
    World,
    another_definition,
    whole,
)

ODD = [
    "", " ", "a", "é", "日本", "'; DROP TABLE vectors; --", "\x00", "a\x00b", "🎈" * 70, "x" * 5000,
    "customer_id", "shop",
]  # fmt: skip
_numbers = count()


@pytest.fixture
def name() -> str:
    """A customer whom no other test knows."""
    return f"customer {next(_numbers)}"


VALUES = [
    {"visits": 3.0, "kind": "new", "spent": 1e-300},
    {"visits": None, "kind": None, "spent": None},
    {"visits": math.nan, "kind": "", "spent": math.inf},
    {"visits": -0.0, "kind": "日本 é 🎈" * 40, "spent": float(2**53 + 2)},
]


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("who", ["load", "push"])
def test_both_readers_see_what_either_writer_wrote(
    who: str, values: dict[str, Any], world: World, name: str
) -> None:
    """Numbers, gaps, NaN, categories: Feast's reader and ours agree, whoever wrote."""
    known = {"behaviour": values, "profile": {"country": "de", "age": 40.0}}
    getattr(world, who)({name: known}, NOW + TICK)
    wanted = {key: None if value != value else value for key, value in values.items()}  # noqa: PLR0124
    ((found, when),) = world.read(name)
    assert found == {"behaviour": wanted, "profile": known["profile"]}
    assert when == dict.fromkeys(known, micros_of(NOW + TICK)), "to the microsecond"
    told = world.ask(name)
    assert {key: told[key] for key in wanted} == {key: [value] for key, value in wanted.items()}


@pytest.mark.parametrize("who", ["load", "push"])
def test_any_id_is_an_id(who: str, world: World) -> None:
    """Empty, long, with quotes or NUL, in any script: each customer is only himself."""
    known = {f"{who}{odd}": whole(n) for n, odd in enumerate(ODD)}
    getattr(world, who)(known, NOW)
    assert [found for found, _ in world.read(*known)] == list(known.values())
    assert world.ask(*known)["visits"] == [float(n) for n in range(len(ODD))]


def test_a_customer_asked_twice_is_told_twice(world: World, name: str) -> None:
    """Answers come in the order of the question, known and unknown mixed."""
    world.load({name: whole(1)}, NOW)
    one, nobody, other = world.read(name, f"no {name}", name)
    assert one == other
    assert (one[0], nobody) == (whole(1), ({}, {}))


def test_a_view_that_is_to_be_loaded_afresh_is_forgotten(world: World, name: str) -> None:
    """Its rows and what was loaded of it are gone, the other view's stay; older rows are taken."""
    world.load({name: whole(1)}, NOW + TICK)
    span = Span(first=1, last=2, begin=1, end=2)
    for layout in world.layouts.values():
        world.loader.remember(layout, {"part": span})
    view = world.feast.get_feature_view("behaviour")
    world.feast.provider.online_store.delete_table(world.feast.config, view)
    ((found, _),) = world.read(name)
    assert found == {"profile": whole(1)["profile"]}
    known = {view: dict(world.loader.loaded(layout)) for view, layout in world.layouts.items()}
    assert known == {"behaviour": {}, "profile": {"part": span}}
    world.load({name: {"behaviour": whole(2)["behaviour"]}}, NOW)
    ((found, _),) = world.read(name)
    assert found == {**whole(1), "behaviour": whole(2)["behaviour"]}


def test_strangers_are_unknown_to_both_readers(world: World, name: str) -> None:
    """Nobody has a row for them: no moment, no values; Feast says not found in both stores."""
    strangers = [f"{name} {odd}" for odd in ODD]
    assert world.read(*strangers, "\ud800") == [({}, {})] * (len(strangers) + 1)
    answer = world.feast.get_online_features(
        features=["behaviour:visits"], entity_rows=[{"customer_id": s} for s in strangers]
    ).proto
    visits = answer.results[list(answer.metadata.feature_names.val).index("visits")]
    assert set(visits.statuses) == {FieldStatus.NOT_FOUND}


def test_a_view_without_a_row_leaves_the_other(world: World, name: str) -> None:
    """A customer may be known to one view; the whole row counts as unknown to a service of both."""
    world.load({name: {"profile": whole(1)["profile"]}}, NOW)
    ((found, when),) = world.read(name)
    assert (found, list(when)) == ({"profile": whole(1)["profile"]}, ["profile"])
    ((values, moments),) = world.reader.read([name])
    row = online_row(name, dict(enumerate(values)), moments, NOW)
    assert row.status == "unknown"


@pytest.mark.parametrize(
    ("age", "status"), [(TTL, "found"), (TTL + TICK, "stale"), (timedelta(0), "found")]
)
def test_the_edge_of_the_time_to_live(age: timedelta, status: str, world: World, name: str) -> None:
    """A row answers for TTL after its moment, and not a microsecond longer."""
    world.load({name: whole(1)}, NOW - age)
    ((values, moments),) = world.reader.read([name])
    assert online_row(name, dict(enumerate(values)), moments, NOW).status == status


@pytest.mark.parametrize("first", ["load", "push"])
@pytest.mark.parametrize("second", ["load", "push"])
def test_time_decides_whoever_writes(first: str, second: str, world: World, name: str) -> None:
    """Older by a microsecond is refused, of the same time is a correction, newer replaces."""
    for version, moment, left in (
        (2, NOW, 2), (1, NOW - TICK, 2), (3, NOW, 3), (4, NOW + TICK, 4), (5, NOW, 4),
    ):  # fmt: skip
        write = world.load if version == 2 else getattr(world, second)
        if version == 2 and first == "push":
            write = world.push
        write({name: whole(version)}, moment)
        assert world.read(name)[0][0] == whole(left), (version, moment)
        assert world.ask(name)["visits"] == [left]


def test_a_refused_row_is_not_counted_as_taken(world: World, name: str) -> None:
    """The loader says how many rows of each view the store took."""
    fresh = {name: whole(1), f"{name} too": whole(1)}
    assert world.load(fresh, NOW) == {"behaviour": 2, "profile": 2}
    later = {name: {"profile": whole(2)["profile"]}}
    assert world.load(later, NOW + TICK) == {"behaviour": 0, "profile": 1}
    assert world.load({name: whole(3)}, NOW) == {"behaviour": 1, "profile": 0}


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    writes=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from(["load", "push"])),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_any_order_of_writes_ends_with_the_newest(
    writes: list[tuple[int, int, str]], world: World
) -> None:
    """Of all that was written the last among the newest stays, for each customer."""
    names = [f"any {next(_numbers)} {n}" for n in range(3)]
    newest: dict[str, tuple[int, int]] = {}
    for version, (moment, who, writer) in enumerate(writes):
        getattr(world, writer)({names[who]: whole(version)}, NOW + moment * TICK)
        if moment >= newest.get(names[who], (-1, 0))[0]:
            newest[names[who]] = moment, version
    wanted = [whole(newest[name][1]) if name in newest else {} for name in names]
    assert [found for found, _ in world.read(*names)] == wanted


def test_rows_of_another_definition_are_never_read(world: World, name: str) -> None:
    """By the old definition and by the new, each reader sees only its own rows."""
    after = another_definition(world)
    world.load({name: whole(1)}, NOW)
    assert after.read(name) == [({}, {})]
    assert after.load({name: whole(2)}, NOW - timedelta(hours=1)) == {"behaviour": 1, "profile": 1}
    assert after.read(name)[0][0] == whole(2), "however old, it is what the new definition knows"
    assert world.read(name) == [({}, {})]


def test_one_moment_by_two_definitions_is_the_last_ones(world: World, name: str) -> None:
    """Neither reader takes the other's values for its own, when both know the same moment."""
    after = another_definition(world)
    for n, (one, other) in enumerate([(world, after), (after, world), (world, after)]):
        assert one.load({name: whole(n)}, NOW) == {"behaviour": 1, "profile": 1}
        assert one.read(name)[0][0] == whole(n)
        assert other.read(name) == [({}, {})]


def test_an_earlier_moment_takes_a_row_from_another_definition(world: World, name: str) -> None:
    """A at 15, B at 20, A at 15 again: the last to write holds the row, and guards it."""
    after = another_definition(world)
    early, late = NOW - timedelta(hours=5), NOW
    world.load({name: whole(1)}, early)
    after.load({name: whole(2)}, late)
    assert world.read(name) == [({}, {})]
    assert world.load({name: whole(3)}, early) == {"behaviour": 1, "profile": 1}
    assert world.read(name)[0][0] == whole(3)
    assert after.read(name) == [({}, {})]
    assert world.load({name: whole(4)}, early - TICK) == {"behaviour": 0, "profile": 0}


def test_one_view_by_another_definition_leaves_the_other_view(world: World, name: str) -> None:
    """What is pushed through Feast takes the markers of others too, of its own view only."""
    after = another_definition(world)
    after.load({name: whole(1)}, NOW)
    world.push({name: {"behaviour": whole(2)["behaviour"]}}, NOW)
    assert world.read(name)[0][0] == {"behaviour": whole(2)["behaviour"]}
    assert after.read(name)[0][0] == {"profile": whole(1)["profile"]}


def test_what_another_definition_wrote_over_is_not_loaded(world: World, name: str) -> None:
    """From its first batch on, also when the load is killed before it is remembered."""
    layout, after = world.layouts["profile"], another_definition(world)
    parts = {"a": Span(first=0, last=0, begin=0, end=0)}
    world.loader.remember(layout, parts)
    world.load({name: whole(1)}, NOW)
    assert world.loader.loaded(layout) == parts
    after.load({name: whole(2)}, NOW)
    assert world.loader.loaded(layout) == {}
    world.loader.remember(layout, parts)
    after.loader.remember(after.layouts["profile"], parts)
    assert world.loader.loaded(layout) == {}


def test_what_is_loaded_is_remembered_by_definition(world: World) -> None:
    """Parts are recorded for one view by one definition, and replaced as a whole."""
    layout = replace(world.layouts["profile"], definition=f"d {next(_numbers)}")
    parts = {"é 1": Span(first=-5, last=2**60, begin=0, end=7)}
    assert world.loader.loaded(layout) == {}
    world.loader.remember(layout, {**parts, "b": Span(first=0, last=0, begin=0, end=0)})
    world.loader.remember(layout, parts)
    assert world.loader.loaded(layout) == parts
    assert world.loader.loaded(replace(layout, definition="another")) == {}


def test_a_view_that_is_gone_is_forgotten(world: World, name: str) -> None:
    """Its rows go, and that they were loaded; the other view stays."""
    online, config = world.feast.provider.online_store, world.feast.config
    view = world.feast.get_feature_view("profile")
    world.load({name: whole(1)}, NOW)
    world.loader.remember(world.layouts["profile"], {"a": Span(first=0, last=0, begin=0, end=0)})
    online.update(config, [view], [], [], [], partial=True)
    assert world.read(name)[0][0] == {"behaviour": whole(1)["behaviour"]}
    assert world.loader.loaded(world.layouts["profile"]) == {}
    online.teardown(config, world.feast.list_feature_views(), [])
    assert world.read(name) == [({}, {})]
    world.load({name: whole(2)}, NOW)
    assert world.read(name)[0][0] == whole(2), "and the store can be used again"
