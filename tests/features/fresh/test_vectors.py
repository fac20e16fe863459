"""A fresh row is the row that a build of its moment makes, whatever came in which order."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.build import zoned
from features.fresh.vectors import Computer
from features.online_time import datetime_of
from features.tables import Table, tables
from ingestion.drain import drain
from ingestion.live import LiveEvents
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from tests.features import canonical
from tests.features.canonical import START, customer, days, fill
from tests.features.fresh.live import live_home, parts, random_lives, said, sign_up

LIVES = 150
EXAMPLES = int(os.environ.get("ONRAMP_FRESH_EXAMPLES", "3"))

Key = tuple[str, datetime]


def batch_rows(home: Home, table: Table, keys: list[Key]) -> pa.Table:
    """The rows that the definitions give at these moments, over the event store as it is."""
    with EventStore(home).connect(home.dataset()) as db:
        db.execute("CREATE TABLE asked (customer_id VARCHAR, moment TIMESTAMP)")
        db.execute(
            "INSERT INTO asked SELECT unnest($names), unnest($moments)",
            {
                "names": [name for name, _ in keys],
                "moments": [moment.replace(tzinfo=None) for _, moment in keys],
            },
        )
        db.execute(
            "CREATE TABLE moments AS SELECT row_number() OVER () - 1 AS k, customer_id, moment,"
            " signed_up_at FROM asked JOIN (SELECT customer_id, min(signed_up_at) AS signed_up_at"
            " FROM customers GROUP BY 1) USING (customer_id)"
        )
        return zoned(db.sql(table.sql).to_arrow_table(), table)


def by_key(rows: pa.Table) -> Mapping[Key, Mapping[str, object]]:
    return {(row["customer_id"], row["event_timestamp"]): row for row in rows.to_pylist()}


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize="ONRAMP_FRESH_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(seed=st.integers(0, 2**32), drained=st.floats(0, 1))
def test_a_fresh_row_is_the_row_of_a_build(
    tmp_path_factory: pytest.TempPathFactory, seed: int, drained: float
) -> None:
    """Late, doubled and shuffled events, in the journal or half of them in the store by then."""
    dice = random.Random(seed)  # noqa: S311  dice, no secret
    home = live_home(tmp_path_factory.mktemp("lives") / "home")
    names = [f"c{n}" for n in range(LIVES)]
    sign_up(home, names)
    events = random_lives(dice, names)
    live, computer = LiveEvents(home), Computer(home)
    made: dict[str, list[pa.Table]] = {table.view: [] for table in computer.tables}
    moments = []
    for some in parts(dice, events):
        taken = live.take(live.read(some))
        moments.append(taken.moment)
        found = computer.compute(taken.customers, datetime_of(taken.moment))
        for view, rows in found.rows.items():
            made[view].append(rows)
        if dice.random() < drained:
            drain(home)
    drain(home)
    assert moments == sorted(set(moments))
    assert_equal_to_batch(home, made)


def assert_equal_to_batch(home: Home, made: Mapping[str, list[pa.Table]]) -> None:
    for table in tables(home, home.dataset()):
        fresh = by_key(pa.concat_tables([table.schema.empty_table(), *made[table.view]]))
        built = by_key(batch_rows(home, table, list(fresh)))
        assert fresh == built, table.view


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = live_home(tmp_path / "home")
    sign_up(home, ["a", "b"])
    return home


def event(name: str, word: str, day: float, **more: object) -> Mapping[str, object]:
    moment = START + days(day)
    return said({"customer_id": name, "event": word, "occurred_at": moment,
                 "received_at": moment, "event_id": None, **more})  # fmt: skip


def number(rows: pa.Table, name: str) -> object:
    [value] = rows[name].to_pylist()
    return value


def test_a_late_event_is_in_the_next_row_and_in_no_row_of_before(home: Home) -> None:
    """What came after a row's moment was received after it, whatever it says itself."""
    live, computer = LiveEvents(home), Computer(home)
    first = live.take(live.read([event("a", "buy", 9)]))
    late = live.take(live.read([event("a", "buy", 8)]))
    assert late.moment > first.moment
    rows = [
        computer.compute(["a"], datetime_of(moment)).rows["customer_behaviour"]
        for moment in (first.moment, late.moment)
    ]
    assert [number(one, "count_buy_7d") for one in rows] == [1.0, 2.0]


def test_a_doubled_event_counts_once(home: Home) -> None:
    """Sent again, in one request or in another, or when it is in the store already."""
    live, computer = LiveEvents(home), Computer(home)
    again = event("a", "buy", 9)
    for _ in range(2):
        taken = live.take(live.read([again, again]))
        drain(home)
    rows = computer.compute(["a"], datetime_of(taken.moment)).rows["customer_behaviour"]
    assert number(rows, "count_buy_7d") == 1.0


def test_who_never_signed_up_has_no_row(home: Home) -> None:
    """Nor has who signed up longer ago than a snapshot reaches."""
    live, computer = LiveEvents(home), Computer(home)
    taken = live.take(live.read([event("stranger", "buy", 9), event("a", "buy", 9)]))
    moment = datetime_of(taken.moment)
    assert computer.compute(taken.customers, moment).nobody == {"stranger"}
    assert computer.compute(["a"], moment + timedelta(days=90)).nobody == {"a"}


def test_a_row_that_breaks_a_bound_is_held_back(home: Home) -> None:
    """As a build sets it aside; the other view has its row."""
    fill(home, [customer("old", START, age=300.0)], [])
    live, computer = LiveEvents(home), Computer(home)
    taken = live.take(live.read([event("old", "buy", 9)]))
    found = computer.compute(["old"], datetime_of(taken.moment))
    assert set(found.held_back) == {"old"}
    assert "age" in found.held_back["old"]
    assert found.rows["customer_profile"].num_rows == 0
    assert found.rows["customer_behaviour"].num_rows == 1


def test_what_a_file_brings_is_seen_of_customers_who_are_known(home: Home) -> None:
    """The store's rows are held in memory; parts that are added are looked at."""
    live, computer = LiveEvents(home), Computer(home)
    taken = live.take(live.read([event("a", "buy", 9)]))
    computer.compute(["a"], datetime_of(taken.moment))
    fill(home, [], [canonical.event(name, "buy", START + days(9.5)) for name in ("a", "b")])
    moment = START + days(10)
    rows = computer.compute(["a"], moment).rows["customer_behaviour"]
    assert number(rows, "count_buy_7d") == 2.0
