from __future__ import annotations

import math
import random
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from feature_repo.apply import apply
from features import store
from features.build import build
from features.connection import connect
from features.moments import moments
from features.tables import TTL, tables
from lifecycle.errors import DataError, NotReady, UnknownName
from lifecycle.home import Home
from tasks import supported
from tests.features.canonical import AS_OF, DAYS, START, Log, customer, days, fill, settle


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, log: Log) -> Home:
    """A home built, applied and materialized until AS_OF. To be read only."""
    home = settle(tmp_path_factory.mktemp("served"))
    fill(home, *log)
    build(home, moments_days=DAYS, as_of=AS_OF)
    apply(home)
    store.materialize(home, AS_OF)
    return home


def stored(home: Home) -> pd.DataFrame:
    """Both tables as built, one row a moment."""
    one, other = (
        f"(SELECT * FROM read_parquet('{table.pattern}'))" for table in tables(home, home.dataset())
    )
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        return db.sql(
            f"SELECT * FROM {one} JOIN {other} USING (customer_id, event_timestamp, created_at)"
        ).df()


def same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(other):
        return False
    return one == other


def plain(value: object) -> object:
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN is a gap


def test_historical_is_the_stored_vector_of_each_moment(served: Home) -> None:
    """Shuffled moments with doubles come back in their order, each with exactly its own row."""
    task = supported(served.dataset())["churn"]
    asked = moments(served, task, AS_OF)[["customer_id", "event_timestamp"]]
    asked = pd.concat([asked, asked.head(20)]).sample(frac=1, random_state=0)
    found = store.historical(served, "churn", asked)
    assert found["customer_id"].to_pylist() == asked["customer_id"].tolist()
    assert found["event_timestamp"].to_pylist() == asked["event_timestamp"].tolist()
    rows = stored(served).set_index(["customer_id", "event_timestamp"])
    names = store.service_features(served, "churn")
    assert found.column_names == ["customer_id", "event_timestamp", *names]
    for row in found.to_pylist():
        own = rows.loc[(row["customer_id"], pd.Timestamp(row["event_timestamp"]))]
        assert [row[name] for name in names] == [plain(own[name]) for name in names]


def test_historical_types_are_doubles_and_strings(served: Home) -> None:
    """No integer, no boolean, whatever is missing."""
    asked = stored(served)[["customer_id", "event_timestamp"]].head(3)
    schema = store.historical(served, "churn", asked).schema
    kinds = store.service_types(served, "churn")
    for name, kind in kinds.items():
        assert schema.field(name).type == (pa.float64() if kind == "number" else pa.string())
    assert kinds["profile_country"] == "category"


def test_historical_never_looks_ahead_of_the_moment(served: Home) -> None:
    """A microsecond before a moment, its row is not there yet; an hour after, it still is."""
    rows = stored(served).sort_values("event_timestamp")
    first = rows.groupby("customer_id", as_index=False).first()
    asked = first[["customer_id", "event_timestamp"]].copy()
    before = asked.assign(event_timestamp=asked["event_timestamp"] - timedelta(microseconds=1))
    after = asked.assign(event_timestamp=asked["event_timestamp"] + timedelta(hours=1))
    assert store.historical(served, "churn", before)["events_7d"].null_count == len(asked)
    assert (
        store.historical(served, "churn", after)["events_7d"].to_pylist()
        == first["events_7d"].tolist()
    )


def test_time_to_live_offline(served: Home) -> None:
    """A row answers for TTL and not a microsecond longer."""
    last = stored(served).sort_values("event_timestamp").groupby("customer_id").tail(1)
    asked = last[["customer_id", "event_timestamp"]]
    tick = timedelta(microseconds=1)
    for late, missing in ((TTL, 0), (TTL + tick, len(asked))):
        then = asked.assign(event_timestamp=asked["event_timestamp"] + late)
        assert store.historical(served, "churn", then)["events_7d"].null_count == missing


def test_nobody_asked_is_an_empty_table(served: Home) -> None:
    """No row asked, no row returned, the same columns."""
    nobody = stored(served)[["customer_id", "event_timestamp"]].head(0)
    found = store.historical(served, "churn", nobody)
    assert found.num_rows == 0
    assert "events_7d" in found.column_names


def test_a_moment_without_time_zone_is_refused(served: Home) -> None:
    """Nobody knows when a naive time is."""
    naive = pd.DataFrame({"customer_id": ["a"], "event_timestamp": [pd.Timestamp("2026-01-02")]})
    with pytest.raises(DataError, match=r"A moment needs a time zone.*Give times in UTC"):
        store.historical(served, "churn", naive)


def test_online_equals_offline_for_the_same_moment(served: Home) -> None:
    """For every customer in the online store, each value is that of the offline row."""
    names = stored(served)["customer_id"].unique().tolist()
    random.Random(0).shuffle(names)  # noqa: S311 - dice, no secret
    rows = store.online(served, "churn", names, now=AS_OF)
    assert [row.customer_id for row in rows] == names
    found = [row for row in rows if row.status == "found"]
    assert len(found) > 20
    asked = pd.DataFrame(
        {
            "customer_id": [row.customer_id for row in found],
            "event_timestamp": pd.DatetimeIndex([row.event_timestamp for row in found]),
        }
    )
    offline = store.historical(served, "churn", asked).to_pylist()
    for row, twin in zip(found, offline, strict=True):
        values = dict(row.values)
        assert list(values) == list(store.service_features(served, "churn"))
        assert all(same(values[name], twin[name]) for name in values), row.customer_id


def test_time_to_live_online_is_the_same(served: Home) -> None:
    """TTL after its moment a row is found; a microsecond later it is stale and empty."""
    name = stored(served).query("event_timestamp == @AS_OF")["customer_id"].iloc[0]
    (row,) = store.online(served, "churn", [name], now=AS_OF + TTL)
    assert (row.status, row.event_timestamp) == ("found", AS_OF)
    (row,) = store.online(served, "churn", [name], now=AS_OF + TTL + timedelta(microseconds=1))
    assert (row.status, row.event_timestamp) == ("stale", AS_OF)
    assert set(dict(row.values).values()) == {None}


@pytest.mark.parametrize("name", ["nobody", "", "'; DROP TABLE x", "\x00", "日本", "a" * 5000])
def test_an_unknown_customer_is_unknown(name: str, served: Home) -> None:
    """Whatever the id, an unknown customer has no moment and no values, and costs no error."""
    (row,) = store.online(served, "churn", [name], now=AS_OF)
    assert (row.status, row.event_timestamp) == ("unknown", None)
    assert set(dict(row.values).values()) == {None}


def test_a_moment_between_two_seconds_survives_the_online_store(home: Home) -> None:
    """Feast keeps whole seconds online; our moment keeps its microseconds."""
    fill(home, [customer("a", START)], [])
    moment = START + days(1) + timedelta(microseconds=123_457)
    build(home, moments_days=(1,), as_of=moment)
    apply(home)
    assert store.online(home, "churn", ["a"], now=moment)[0].status == "unknown"
    report = store.materialize(home, moment)
    assert dict(report.rows) == {"customer_behaviour": 1, "customer_profile": 1}
    assert store.online(home, "churn", ["a"], now=moment)[0].event_timestamp == moment
    older = store.materialize(home, moment - timedelta(hours=1))
    assert dict(older.rows) == {"customer_behaviour": 0, "customer_profile": 0}
    assert store.online(home, "churn", ["a"], now=moment)[0].event_timestamp == moment


def test_feasts_own_load_until_today_blocks_nothing(home: Home) -> None:
    """After `feast materialize` until now on data of the past, a load at the data's time goes."""
    fill(home, [customer("a", START)], [])
    now = START + days(1)
    build(home, moments_days=(1,), as_of=now)
    apply(home)
    with redirect_stdout(StringIO()):
        connect(home).materialize(start_date=START, end_date=datetime.now(UTC))
    store.materialize(home, now)
    assert store.online(home, "churn", ["a"], now=now)[0].status == "found"


def test_a_fresh_row_replaces_the_old(home: Home) -> None:
    """After another build and load, the online store has the newer moment."""
    fill(home, [customer("a", START)], [])
    for day in (1, 2):
        build(home, moments_days=(1,), as_of=START + days(day))
        apply(home)
        store.materialize(home, START + days(day))
        (row,) = store.online(home, "churn", ["a"])
        assert row.event_timestamp is not None
        assert dict(row.values)["days_since_sign_up"] == (row.event_timestamp - START) / days(1)


def test_a_home_that_was_not_applied_says_what_to_do(home: Home) -> None:
    """No registry is NotReady with the command to run."""
    with pytest.raises(NotReady, match=r"Feast knows nothing.*Run `onramp features` first"):
        store.online(home, "churn", ["a"])


def test_an_unknown_service_names_the_known(served: Home) -> None:
    """A misspelt task gets the nearest one."""
    with pytest.raises(UnknownName, match=r"No feature service named 'chrun'.*'churn'"):
        store.service_features(served, "chrun")


def test_the_fingerprint_is_stable_and_of_the_service(served: Home) -> None:
    """The same features give the same fingerprint."""
    assert store.fingerprint(served, "churn") == store.fingerprint(served, "churn")
    assert len(store.fingerprint(served, "churn")) == 16
