"""Loads of a home: every registered view, once, and Feast is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.apply import apply
from features import store
from features.build import build
from features.connection import connect
from features.tables import TTL, tables
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
