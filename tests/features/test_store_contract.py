"""One contract for every pair of stores: embedded in the home, or on PostgreSQL and Redis."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from feature_repo.apply import apply
from feature_repo.warehouse import load
from features import store
from features.build import build
from features.tables import TIME, TTL, tables
from lifecycle.home import Home
from tasks import supported
from tests.features.canonical import (
    AS_OF,
    DAYS,
    START,
    customer,
    days,
    event,
    fill,
    random_log,
    settle,
)
from tests.stores import KINDS, Place, place

TICK = timedelta(microseconds=1)


def refresh(home: Home) -> None:
    load(home)
    apply(home)
    store.materialize(home, AS_OF)


@pytest.fixture(scope="module", params=KINDS)
def world(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    built: tuple[Home, Any],
) -> Place:
    """The log of 60 customers, built, told to Feast and loaded online. To be read only."""
    made = place(request.param, tmp_path_factory.mktemp("world") / "home", request)
    shutil.copytree(built[0].root, made.home.root)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.env.items():
            patch.setenv(name, value)
        refresh(made.home)
    return made


@pytest.fixture
def served(world: Place, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    return world.home


@pytest.fixture(params=KINDS)
def own(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home with stores of its own, to be written."""
    made = place(request.param, tmp_path / "home", request)
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    settle(made.home.root)
    return made.home


def stored(home: Home) -> pd.DataFrame:
    """Both tables as built, one row a moment."""
    one, other = (f"(FROM read_parquet('{t.pattern}'))" for t in tables(home, home.dataset()))
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        return db.sql(
            f"FROM {one} JOIN {other} USING (customer_id, event_timestamp, created_at)"
        ).df()


def plain(value: object) -> object:
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN is a gap


def asked_of(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[["customer_id", "event_timestamp"]].reset_index(drop=True)


def test_historical_is_the_stored_vector_of_each_moment(served: Home) -> None:
    """Shuffled, with doubles and with strangers: each row is exactly its own, null for nobody."""
    rows = stored(served)
    asked = asked_of(rows)
    strangers = asked.head(7).assign(
        customer_id=["nobody", "", "'; --", "日本", "\0", " ", "a" * 999]
    )
    asked = pd.concat([asked, asked.head(20), strangers]).sample(frac=1, random_state=0)
    found = store.historical(served, "churn", asked)
    assert found["customer_id"].to_pylist() == asked["customer_id"].tolist()
    assert found["event_timestamp"].to_pylist() == asked["event_timestamp"].tolist()
    names = store.service_features(served, "churn")
    assert found.column_names == ["customer_id", "event_timestamp", *names]
    known = rows.set_index(["customer_id", "event_timestamp"])
    for row in found.to_pylist():
        key = (row["customer_id"], pd.Timestamp(row["event_timestamp"]))
        own = known.loc[key] if key in known.index else dict.fromkeys(names)
        assert [row[name] for name in names] == [plain(own[name]) for name in names]


def test_historical_types_are_doubles_and_strings(served: Home) -> None:
    """The same schema from every store, whatever is missing."""
    asked = asked_of(stored(served)).head(3)
    strangers = asked.assign(customer_id="nobody")
    schema = store.historical(served, "churn", asked).schema
    assert store.historical(served, "churn", strangers).schema == schema
    kinds = store.service_types(served, "churn")
    assert {schema.field(name).type for name in kinds} == {pa.float64(), pa.string()}
    assert schema.field("event_timestamp").type == TIME


def test_the_edges_of_a_row_in_time(served: Home) -> None:
    """Not a microsecond before its moment; until TTL after it, and not a microsecond longer."""
    rows = stored(served).sort_values("event_timestamp")
    first, last = rows.groupby("customer_id").head(1), rows.groupby("customer_id").tail(1)
    for some, shift, missing in (
        (first, -TICK, True), (first, timedelta(0), False), (last, TTL, False),
        (last, TTL + TICK, True),
    ):  # fmt: skip
        asked = asked_of(some)
        then = asked.assign(event_timestamp=asked["event_timestamp"] + shift)
        nulls = store.historical(served, "churn", then)["events_7d"].null_count
        assert nulls == (len(asked) if missing else 0), shift


def test_online_equals_offline_for_the_same_moment(served: Home) -> None:
    """For every customer in the online store, each value is that of the offline row."""
    rows = store.online(served, "churn", sorted(set(stored(served)["customer_id"])), now=AS_OF)
    found = [row for row in rows if row.status == "found"]
    assert len(found) > 20
    asked = pd.DataFrame(
        {
            "customer_id": [row.customer_id for row in found],
            "event_timestamp": pd.DatetimeIndex([row.event_timestamp for row in found]),
        }
    )
    offline = store.historical(served, "churn", asked).to_pylist()
    names = store.service_features(served, "churn")
    for row, twin in zip(found, offline, strict=True):
        assert dict(row.values) == {name: twin[name] for name in names}, row.customer_id


def test_stale_and_unknown_online(served: Home) -> None:
    """TTL after its moment a row is found, a microsecond later stale; a stranger is unknown."""
    name = stored(served).query("event_timestamp == @AS_OF")["customer_id"].iloc[0]
    strangers = ["nobody", "", "'; DROP TABLE x", "\x00", "日本", "a" * 5000]
    for late, status in ((TTL, "found"), (TTL + TICK, "stale")):
        row, *others = store.online(served, "churn", [name, *strangers], now=AS_OF + late)
        assert (row.status, row.event_timestamp) == (status, AS_OF)
        assert {other.status for other in others} == {"unknown"}
        assert all(set(dict(other.values).values()) == {None} for other in others)


def test_feasts_own_readers_see_the_same(served: Home) -> None:
    """`get_online_features` of the service gives the values that ours does."""
    names = sorted(set(stored(served).query("event_timestamp == @AS_OF")["customer_id"]))
    ours = store.online(served, "churn", names, now=AS_OF)
    feast = store.open_store(served)
    theirs = feast.get_online_features(
        features=feast.get_feature_service("churn"),
        entity_rows=[{"customer_id": name} for name in names],
    ).to_dict()
    for n, row in enumerate(ours):
        own = dict(row.values)
        assert {name: plain(theirs[name][n]) for name in own} == own


def test_feasts_own_load_writes_what_ours_does(own: Home) -> None:
    """After Feast's own `materialize` our reader finds what Feast read out of the offline store."""
    fill(own, [customer("é 1", START, country="de")], [event("é 1", "login", START)])
    build(own, moments_days=(1,), as_of=START + days(1))
    load(own)
    apply(own)
    store.open_store(own).materialize(start_date=START, end_date=START + days(2))
    store.forget_store(own)
    (row,) = store.online(own, "churn", ["é 1"], now=START + days(1))
    asked = pd.DataFrame(
        {"customer_id": ["é 1"], "event_timestamp": pd.DatetimeIndex([START + days(1)])}
    )
    (twin,) = store.historical(own, "churn", asked).to_pylist()
    assert row.status == "found"
    own_values = dict(row.values)
    assert own_values == {name: twin[name] for name in own_values}


def test_a_correction_counts_from_when_it_was_made(own: Home) -> None:
    """What was created after a moment is not in it; from its creation on, it is."""
    fill(own, [customer("a", START)], [event("a", "login", START)])
    moment = START + days(1)
    build(own, moments_days=(1,), as_of=moment)
    for table in tables(own, own.dataset()):
        (part,) = table.parts()
        rows = pq.read_table(part)
        later = pa.array([moment + timedelta(hours=2)], TIME)
        index = rows.schema.get_field_index("created_at")
        rows = rows.set_column(index, rows.schema.field(index), later)
        for name in set(rows.column_names) & {"events_7d"}:
            index = rows.schema.get_field_index(name)
            rows = rows.set_column(index, name, pc.add(rows[name], 100.0))
        pq.write_table(rows, part.with_name("later.parquet"))
    load(own)
    apply(own)
    hours = [0, 1, 2, 3]
    asked = pd.DataFrame(
        {
            "customer_id": "a",
            "event_timestamp": pd.DatetimeIndex([moment + timedelta(hours=h) for h in hours]),
        }
    )
    found = store.historical(own, "churn", asked)["events_7d"].to_pylist()
    assert found == [1.0, 1.0, 101.0, 101.0]


def test_a_fresh_row_replaces_and_an_older_does_not(own: Home) -> None:
    """The next day's load brings the next day's row, and a load of the day before leaves it."""
    fill(own, [customer("a", START)], [])
    for day in (1, 2):
        build(own, moments_days=(1,), as_of=START + days(day))
        load(own)
        apply(own)
        store.materialize(own, START + days(day))
        (row,) = store.online(own, "churn", ["a"], now=START + days(day))
        assert dict(row.values)["days_since_sign_up"] == pytest.approx(day, abs=1e-6)
    store.materialize(own, START + days(1))
    assert store.online(own, "churn", ["a"], now=START + days(2)) == (row,)


def test_applying_and_loading_again_changes_nothing(own: Home) -> None:
    """A second time nothing differs; another definition replaces the first, folders and tables."""
    fill(own, *random_log(seed=5, customers=5))
    build(own, moments_days=DAYS, as_of=AS_OF)
    first, _ = load(own), apply(own)
    second = load(own)
    assert not apply(own).changed
    assert (second.rows, second.parts, second.tables) == (0, 0, first.tables)
    text = own.dataset_file.read_text(encoding="utf-8")
    own.dataset_file.write_text(text.replace('["buy", "share_video"]', '["buy"]'))
    build(own, moments_days=DAYS, as_of=AS_OF)
    load(own)
    report = apply(own)
    assert len(report.removed_folders) == 1
    assert len(report.removed_tables) == (1 if own.stores else 0)
    assert not apply(own).changed
    asked = asked_of(stored(own)).head(5)
    assert store.historical(own, "churn", asked)["events_7d"].null_count == 0


def test_another_home_opens_the_same_registry(served: Home, tmp_path: Path) -> None:
    """A machine with the data set and the configuration alone reads what this one wrote."""
    other = replace(settle(tmp_path / "other"), stores=served.stores)
    shutil.copy(served.dataset_file, other.dataset_file)
    other.feast.mkdir()
    shutil.copy(store.config_file(served), store.config_file(other))
    asked = asked_of(stored(served)).head(9)
    assert store.historical(other, "churn", asked) == store.historical(served, "churn", asked)
    names = asked["customer_id"].tolist()
    assert store.online(other, "churn", names, now=AS_OF) == store.online(
        served, "churn", names, now=AS_OF
    )


def test_two_applies_at_once_lose_nothing(own: Home, tmp_path: Path) -> None:
    """Two processes' worth of apply into one empty registry: both end well, everything is there."""
    fill(own, *random_log(seed=5, customers=5))
    build(own, moments_days=DAYS, as_of=AS_OF)
    load(own)
    twin = own
    if own.stores:
        twin = replace(own, root=tmp_path / "twin")
        shutil.copytree(own.root, twin.root)
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(apply, [own, twin]))
    assert sorted(report.changed for report in reports) == [False, True]
    known = {one.name for one in store.open_store(own).list_feature_services()}
    assert known == set(supported(own.dataset()))
    assert {view.name for view in store.open_store(own).list_feature_views()} == {
        "customer_behaviour", "customer_profile",
    }  # fmt: skip
