"""Loads of a home: every registered view, once, and Feast is told."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.apply import apply
from features import store
from features.audit import set_aside
from features.build import build
from features.connection import connect
from features.store import OnlineRow
from features.tables import TTL, tables, write_part
from lifecycle.home import Home
from lifecycle.lock import held
from tests.features.canonical import START, TOML, customer, days, fill

NOW = START + days(1)


def made(home: Home) -> None:
    fill(home, [customer("a", START), customer("b", START)], [])
    build(home, moments_days=(1,), as_of=NOW)
    apply(home)


def test_a_second_load_loads_nothing_and_feast_is_told(home: Home) -> None:
    """Incremental by default; the registry shows the interval and that the view is available."""
    made(home)
    assert dict(store.materialize(home, NOW).rows) == {
        "customer_behaviour": 2,
        "customer_profile": 2,
    }
    assert dict(store.materialize(home, NOW).rows) == {
        "customer_behaviour": 0,
        "customer_profile": 0,
    }
    for view in connect(home).list_feature_views():
        assert view.state.name == "AVAILABLE_ONLINE"
        assert view.most_recent_end_time == NOW
        assert view.materialization_intervals[0] == (NOW - TTL, NOW)


def test_a_load_that_waits_for_another_loads_what_is_defined_by_then(home: Home) -> None:
    """One load at a time, and its views are listed when its turn has come."""
    made(home)
    with ThreadPoolExecutor(1) as other:
        with held(home.locks / "materialize", "A load"):
            waiting = other.submit(store.materialize, home, NOW)
            home.dataset_file.write_text(TOML.replace('["buy", "share_video"]', '["buy"]'))
            build(home, moments_days=(1,), as_of=NOW)
            apply(home)
            assert not waiting.done()
        assert waiting.result(timeout=60).rows["customer_behaviour"] == 2
    assert store.materialize(home, NOW).rows["customer_behaviour"] == 0
    assert {row.status for row in store.online(home, "churn", ["a", "b"], now=NOW)} == {"found"}


def test_a_part_that_comes_late_is_loaded_and_an_older_row_refused(home: Home) -> None:
    """A correction of the same time replaces; a row of before is left alone and counted."""
    made(home)
    store.materialize(home, NOW)
    (table, _) = tables(home, home.dataset())
    (part,) = table.parts()
    rows = pq.read_table(part)
    older = pa.array([NOW, NOW - timedelta(hours=1)], table.schema.field("event_timestamp").type)
    days_7 = pa.array([70.0, 71.0])
    for name, column in (("event_timestamp", older), ("events_7d", days_7)):
        rows = rows.set_column(rows.schema.get_field_index(name), name, column)
    pq.write_table(rows, part.with_name("late.parquet"))
    report = store.materialize(home, NOW)
    assert dict(report.rows) == {"customer_behaviour": 1, "customer_profile": 0}
    assert dict(report.older) == {"customer_behaviour": 1, "customer_profile": 0}
    first, second = rows["customer_id"].to_pylist()
    found = store.online(home, "churn", [first, second], now=NOW)
    assert [dict(row.values)["events_7d"] for row in found] == [70.0, 0.0]


def test_a_row_that_a_check_has_set_aside_is_served_no_more(home: Home) -> None:
    """Its view is loaded afresh, once; the customer's older row answers again, if there is one."""
    made(home)
    (table, _) = tables(home, home.dataset())
    (part,) = table.parts()
    rows = pq.read_table(part)
    place = rows.schema.get_field_index("events_7d")
    broken = rows.set_column(place, "events_7d", pa.array([-1.0, 0.0]))
    write_part(broken, part)
    first, second = rows["customer_id"].to_pylist()
    older = rows.slice(0, 1)
    for name in ("event_timestamp", "created_at"):
        at = pa.array([NOW - timedelta(hours=1)], table.schema.field(name).type)
        older = older.set_column(older.schema.get_field_index(name), name, at)
    moment = pa.array([(NOW - timedelta(hours=1)).timestamp() * 1e6])
    older = older.set_column(older.schema.get_field_index(table.marker), table.marker, moment)
    write_part(older, part.with_name("before.parquet"))
    store.materialize(home, NOW)
    assert [dict(row.values)["events_7d"] for row in answers(home, first, second)] == [-1.0, 0.0]
    set_aside(part, table)
    assert dict(store.materialize(home, NOW).rows) == {
        "customer_behaviour": 2,
        "customer_profile": 0,
    }
    mended, same = answers(home, first, second)
    assert dict(mended.values)["events_7d"] == rows["events_7d"][0].as_py()
    assert mended.event_timestamp == NOW - timedelta(hours=1)
    assert dict(same.values)["events_7d"] == 0.0
    assert sum(store.materialize(home, NOW).rows.values()) == 0


def test_without_an_older_row_nothing_is_known(home: Home) -> None:
    """What was set aside leaves a customer whose features nobody knows, and no other."""
    made(home)
    (table, _) = tables(home, home.dataset())
    (part,) = table.parts()
    rows = pq.read_table(part)
    place = rows.schema.get_field_index("events_7d")
    write_part(rows.set_column(place, "events_7d", pa.array([-1.0, 0.0])), part)
    store.materialize(home, NOW)
    set_aside(part, table)
    store.materialize(home, NOW)
    first, second = answers(home, *rows["customer_id"].to_pylist())
    assert (first.status, dict(first.values)["events_7d"]) == ("unknown", None)
    assert (second.status, dict(second.values)["events_7d"]) == ("found", 0.0)


def answers(home: Home, *customer_ids: str) -> Sequence[OnlineRow]:
    return store.online(home, "churn", list(customer_ids), now=NOW)


def test_a_store_that_is_none_of_ours_is_loaded_by_feast(home: Home) -> None:
    """Feast's stock SQLite store: loaded and read through Feast, the rule for TTL is the same."""
    made(home)
    path = store.config_file(home)
    text = path.read_text(encoding="utf-8")
    text = text.replace("features.online_sqlite.VectorSqliteOnlineStore", "sqlite")
    path.write_text(text.replace("online.db", "stock.db"), encoding="utf-8")
    store.forget_store(home)
    feast = store.open_store(home)
    feast.provider.online_store.update(feast.config, [], feast.list_feature_views(), [], [], False)
    assert store.online(home, "churn", ["a"], now=NOW)[0].status == "unknown"
    store.materialize(home, NOW)
    moment = store.online(home, "churn", ["a"], now=NOW)[0].event_timestamp
    assert moment is not None
    for late, status in ((TTL, "found"), (TTL + timedelta(microseconds=1), "stale")):
        row, nobody = store.online(home, "churn", ["a", "nobody"], now=moment + late)
        assert (row.status, row.event_timestamp, nobody.status) == (status, moment, "unknown")
    (row,) = store.online(home, "churn", ["a"], now=NOW)
    assert dict(row.values)["days_since_sign_up"] == (moment - START) / days(1)
