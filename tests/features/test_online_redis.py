"""What is Redis's own: Feast's format byte for byte, its stock store, expiry, lost data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as client

from features.online_port import Span
from lifecycle.errors import UsageError
from tests.features.online_world import (
    FIELDS,
    NOW,
    REDIS,
    TICK,
    World,
    make_world,
    open_feast,
    whole,
)

KNOWN = {
    "a": whole(1),
    "é": whole(-2.5),
    "": {"behaviour": {"visits": None, "kind": None, "spent": float("nan")}},
    "日本" * 99: {"behaviour": {"visits": 0.0, "kind": "", "spent": 1e300}, "profile": {}},
}


@pytest.fixture(scope="module")
def ours(own_redis: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("ours") / "shop"
    return make_world(root, {"type": REDIS, "connection_string": f"{own_redis},db=4"})


@pytest.fixture(scope="module")
def stock(own_redis: str, ours: World) -> World:
    """Feast's own store, over the same registry and the same part of Redis."""
    return over(ours, f"{own_redis},db=4", type="redis")


def over(world: World, address: str, **online: Any) -> World:
    """The same registry over another online store."""
    root = Path(str(world.feast.config.registry.path).removeprefix("sqlite:///")).parent
    feast = open_feast(root, {"type": REDIS, "connection_string": address, **online})
    return World(feast, world.layouts)


def contents(address: str, database: int) -> dict[bytes, dict[bytes, bytes]]:
    """The customers; ours notes beside them which definitions have written."""
    with client.Redis.from_url(f"redis://{address}/{database}") as one:
        keys = [key for key in one.scan_iter() if not key.startswith(b"_markers:")]
        return {key: one.hgetall(key) for key in keys}


@pytest.fixture
def emptied(own_redis: str) -> Iterator[None]:
    with client.Redis.from_url(f"redis://{own_redis}/5") as one:
        one.flushdb()
        yield
        one.flushdb()


@pytest.mark.parametrize("moment", [NOW, NOW + TICK])
@pytest.mark.usefixtures("emptied")
def test_redis_holds_the_bytes_that_feast_writes(moment: Any, ours: World, own_redis: str) -> None:
    """A database that we loaded and one that Feast's own store wrote are equal, bit by bit."""
    address = f"{own_redis},db=5"
    over(ours, address, type="redis").push(KNOWN, moment)
    theirs = contents(own_redis, 5)
    with client.Redis.from_url(f"redis://{own_redis}/5") as one:
        one.flushdb()
    over(ours, address).load(KNOWN, moment)
    assert len(theirs) == len(KNOWN)
    assert contents(own_redis, 5) == theirs


@pytest.mark.parametrize("who", ["load", "push"])
def test_feasts_own_store_reads_what_ours_wrote(who: str, ours: World, stock: World) -> None:
    """`type: redis` on the same server answers with our values."""
    names = [f"{who} {name}" for name in KNOWN]
    getattr(ours, who)(dict(zip(names, KNOWN.values(), strict=True)), NOW)
    assert stock.ask(*names) == ours.ask(*names)
    assert stock.ask(names[0]) == {
        "customer_id": [names[0]], **{k: [v] for view in FIELDS for k, v in whole(1)[view].items()}
    }  # fmt: skip


def test_ours_reads_what_feasts_own_store_wrote(ours: World, stock: World) -> None:
    """A writer that knows nothing of us leaves rows that our reader finds."""
    stock.push({"plain": whole(7)}, NOW)
    assert ours.read("plain")[0][0] == whole(7)
    assert ours.load({"plain": whole(6)}, NOW - TICK) == {"behaviour": 0, "profile": 0}
    assert ours.load({"plain": whole(8)}, NOW) == {"behaviour": 1, "profile": 1}
    assert stock.ask("plain")["visits"] == [8.0]


def test_a_row_that_another_definition_overwrote_is_unknown(ours: World, own_redis: str) -> None:
    """Values and time of a writer that does not know our marker are not taken for ours."""
    ours.load({"torn": whole(1), "newer": {}}, NOW)
    ours.load({"newer": whole(2)}, NOW + TICK)
    with client.Redis.from_url(f"redis://{own_redis}/4") as one:
        keys = {name: next(one.scan_iter(f"*{name}*")) for name in ("torn", "newer")}
        one.hset(keys["torn"], "_ts:behaviour", one.hget(keys["newer"], "_ts:behaviour"))
    assert ours.read("torn")[0][0] == {"profile": whole(1)["profile"]}


def test_keys_expire_when_they_are_told_to(own_redis: str, ours: World) -> None:
    """`key_ttl_seconds` is set anew by each load of the customer."""
    world = over(ours, f"{own_redis},db=6", key_ttl_seconds=1000)
    world.load({"short": whole(1)}, NOW)
    with client.Redis.from_url(f"redis://{own_redis}/6") as one:
        (key,) = one.scan_iter("*short*")
        assert 900 < one.ttl(key) <= 1000
        world.push({"short": whole(2)}, NOW + TICK)
        assert 900 < one.ttl(key) <= 1000


def test_a_lost_connection_is_made_anew(own_redis: str, ours: World) -> None:
    """A server that closed its connections answers the next question."""
    ours.load({"back": whole(1)}, NOW)
    reader = ours.reader
    reader.read(["back"])
    with client.Redis.from_url(f"redis://{own_redis}/4") as one:
        one.client_kill_filter(_type="normal", skipme=True)
    assert reader.read(["back"])[0][0][0] == 1.0


def test_a_cluster_is_refused(ours: World) -> None:
    """No transaction spans customers there: the guard could not hold."""
    with pytest.raises(UsageError, match=r"cannot be a Redis cluster.*type: redis"):
        _ = over(ours, "nowhere:1", redis_type="redis_cluster").loader


def test_redis_that_lost_its_data_lost_what_was_loaded(own_redis: str, ours: World) -> None:
    """The record lies beside the rows: nothing is taken for loaded that is not there."""
    world, layout = over(ours, f"{own_redis},db=7"), ours.layouts["profile"]
    world.loader.remember(layout, {"a": Span(first=0, last=0, begin=0, end=0)})
    assert world.loader.loaded(layout)
    with client.Redis.from_url(f"redis://{own_redis}/7") as one:
        one.flushdb()
    assert world.loader.loaded(layout) == {}
