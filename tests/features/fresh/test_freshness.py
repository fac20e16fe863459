"""Fresh rows in the online store: what a build would put there, and never older ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.build import build
from features.fresh.freshness import Fresh
from features.online_time import datetime_of
from features.store import forget_store, materialize, online
from features.tables import tables
from ingestion.drain import drain
from ingestion.live import LiveEvents
from lifecycle.errors import NotReady
from lifecycle.home import Home
from tests.features.canonical import START, days
from tests.features.fresh.live import bought, live_home, served_home, sign_up

TASK = "churn"
NAMES = [f"c{n}" for n in range(12)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Each test has a customer of its own."""
    home = served_home(tmp_path_factory.mktemp("served") / "home", NAMES)
    yield home
    forget_store(home)


@pytest.fixture(scope="module")
def live(home: Home) -> LiveEvents:
    return LiveEvents(home)


@pytest.fixture(scope="module")
def fresh(home: Home) -> Fresh:
    return Fresh(home)


_customers = count()


@pytest.fixture
def name() -> str:
    """A customer whom no other test touches."""
    return NAMES[next(_customers)]


def seen(home: Home, name: str) -> tuple[datetime | None, Mapping[str, object]]:
    [row] = online(home, TASK, [name])
    assert row.status == "found"
    return row.event_timestamp, row.values


def built(home: Home, moment: datetime, name: str) -> Mapping[str, object]:
    """The features that are built of a customer at a moment."""
    found: dict[str, object] = {}
    for table in tables(home, home.dataset()):
        rows = pa.concat_tables([pq.read_table(path) for path in table.parts()]).to_pylist()
        [row] = [r for r in rows if (r["customer_id"], r["event_timestamp"]) == (name, moment)]
        found |= row
    return found


def test_an_event_is_in_the_features_that_are_served(
    home: Home, live: LiveEvents, fresh: Fresh, name: str
) -> None:
    """The row's moment is when the event was received."""
    before, values = seen(home, name)
    taken = live.take(live.read([bought(name, 10.5)]))
    report = fresh.refresh(taken.customers, datetime_of(taken.moment))
    after, now = seen(home, name)
    assert before == START + days(10)
    assert after == datetime_of(taken.moment) == report.moment
    assert (values["count_buy_7d"], now["count_buy_7d"]) == (0.0, 1.0)
    assert dict(report.rows) == {"customer_behaviour": 1, "customer_profile": 1}


def test_it_is_what_a_build_of_its_moment_makes(
    home: Home, live: LiveEvents, fresh: Fresh, name: str
) -> None:
    """A late event and a doubled one among them; the build reads the event store alone."""
    events = [bought(name, 10.7, value=0.1), bought(name, 9.9, value=0.2)]
    taken = live.take(live.read([*events, events[0]]))
    fresh.refresh(taken.customers, datetime_of(taken.moment))
    moment, values = seen(home, name)
    drain(home)
    build(home, moments_days=(1, 3, 7), as_of=datetime_of(taken.moment))
    offline = built(home, datetime_of(taken.moment), name)
    assert moment == offline["event_timestamp"]
    assert values == {feature: offline[feature] for feature in values}
    assert values["count_buy_7d"] == 2.0


def test_the_store_never_goes_back(home: Home, live: LiveEvents, fresh: Fresh, name: str) -> None:
    """Neither by a fresh row of an earlier moment nor by a load of rows that were built before."""
    first = live.take(live.read([bought(name, 10.8)]))
    second = live.take(live.read([bought(name, 10.9)]))
    fresh.refresh([name], datetime_of(second.moment))
    newest = seen(home, name)
    report = fresh.refresh([name], datetime_of(first.moment))
    assert set(report.rows.values()) == {0}
    assert seen(home, name) == newest
    materialize(home, START + days(10))
    assert seen(home, name) == newest


def test_who_is_not_known_has_no_row(home: Home, live: LiveEvents, fresh: Fresh) -> None:
    """The event is kept all the same."""
    taken = live.take(live.read([bought("stranger", 10.95)]))
    report = fresh.refresh(taken.customers, datetime_of(taken.moment))
    assert report.nobody == {"stranger"}
    assert [row.status for row in online(home, TASK, ["stranger"])] == ["unknown"]


def test_without_features_nothing_is_written(tmp_path: Path) -> None:
    """The error says what to run; what was taken is in the journal."""
    home = live_home(tmp_path / "home")
    sign_up(home, ["a"])
    live = LiveEvents(home)
    taken = live.take(live.read([bought("a", 9)]))
    with pytest.raises(NotReady, match="onramp features"):
        Fresh(home).refresh(taken.customers, datetime_of(taken.moment))
    assert live.journal.waiting() == 1


def test_features_that_are_defined_otherwise_since_are_not_written(
    home: Home, live: LiveEvents, name: str
) -> None:
    """A server that began before the data set's file changed computes what nobody reads."""
    fresh = Fresh(home)
    before = home.dataset_file.read_text()
    home.dataset_file.write_text(before.replace('key_actions = ["buy", "share_video"]', ""))
    try:
        with pytest.raises(NotReady, match="defined otherwise"):
            fresh.refresh([name], START + days(11))
    finally:
        home.dataset_file.write_text(before)
    assert live.journal.clock()
