"""What is committed is read, whole, in UTC; what is not is not."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pytest

from lifecycle.dataset import Column, DataSet, Vocabulary
from lifecycle.errors import NotReady
from lifecycle.event_store import EventStore, Part, Source
from lifecycle.home import Home, open_home

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP = DataSet(
    name="shop", title="A shop", source="made up", clock="data",
    vocabulary=Vocabulary(events=("visit",)),
    properties={"spent": Column(type="number", meaning="money"),
                'odd "name"': Column(type="category", meaning="quoted")},
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "it's home")


def source(fingerprint: str = "a", read: int = 1, kept: int = 1, lost: int = 0) -> Source:
    return Source(
        fingerprint=fingerprint, name="a.csv", feeds="events", rows_read=read, rows_kept=kept,
        rows_quarantined=lost, reasons="{}",
    )  # fmt: skip


def part(home: Home, name: str, when: datetime = NOON, **columns: object) -> Part:
    """One event in a file; not in the store until it is committed."""
    home.root.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(
        {"event_id": [name], "customer_id": ["c"], "event": ["visit"], "occurred_at": [when],
         "received_at": [when], 'odd "name"': ["x"], **{k: [v] for k, v in columns.items()}}
    )  # fmt: skip
    frame.to_parquet(home.root / f"{name}.parquet", index=False)
    return Part(path=f"{name}.parquet", holds="events", rows=1)


def events(home: Home) -> list[tuple]:
    with EventStore(home).connect(SHOP) as db:
        return db.execute("SELECT event_id, occurred_at, spent FROM events ORDER BY 1").fetchall()


def test_an_empty_store_has_the_shape_of_a_full_one(home: Home) -> None:
    """Both tables can be asked before anything was ingested, and no file is made by asking."""
    with EventStore(home).connect(SHOP) as db:
        names = [row[0] for row in db.execute("DESCRIBE events").fetchall()]
        assert names == ["event_id", "customer_id", "event", "occurred_at", "received_at",
                         "spent", 'odd "name"']  # fmt: skip
        assert db.execute("SELECT count(*) FROM customers").fetchone() == (0,)
    assert EventStore(home).sources() == ()
    assert not home.root.exists()


def test_only_what_is_committed_is_read(home: Home) -> None:
    """A part that a killed process left behind is no part of the store."""
    committed = part(home, "kept", spent=1.5)
    part(home, "left behind", spent=9.0)
    EventStore(home).commit([source()], [committed])
    assert events(home) == [("kept", NOON.replace(tzinfo=None), 1.5)]


def test_parts_may_lack_columns(home: Home) -> None:
    """A file from before a column existed reads as missing there."""
    EventStore(home).commit([], [part(home, "new", spent=1.5)])
    EventStore(home).commit([], [part(home, "old")])
    assert [row[2] for row in events(home)] == [1.5, None]


def test_times_are_naive_utc_inside(home: Home) -> None:
    """However a file wrote its zone, SQL sees the same UTC instant."""
    there = NOON.astimezone(timezone(timedelta(hours=9)))
    EventStore(home).commit([], [part(home, "tokyo", there, spent=1.0)])
    assert events(home)[0][1] == NOON.replace(tzinfo=None)


def test_a_commit_is_all_or_nothing(home: Home) -> None:
    """A source whose rows do not add up is refused, and its parts with it."""
    made = part(home, "kept", spent=1.5)
    with pytest.raises(sqlite3.IntegrityError):
        EventStore(home).commit([source("a"), source("b", read=3, kept=1, lost=1)], [made])
    assert EventStore(home).sources() == ()
    assert EventStore(home).parts("events") == ()


def test_a_source_is_taken_once(home: Home) -> None:
    """The same bytes for the same table cannot be committed twice."""
    EventStore(home).commit([source("a")], [])
    with pytest.raises(sqlite3.IntegrityError):
        EventStore(home).commit([source("a")], [])
    assert EventStore(home).sources() == (source("a"),)


def test_the_data_sets_own_clock(home: Home) -> None:
    """On the data's clock now is the newest receipt; on the wall's it is now."""
    EventStore(home).commit([], [part(home, "a", spent=1.0)])
    assert EventStore(home).as_of(SHOP) == NOON
    wall = SHOP.model_copy(update={"clock": "wall"})
    assert abs(EventStore(home).as_of(wall) - datetime.now(UTC)) < timedelta(minutes=1)


def test_an_empty_store_has_no_now(home: Home) -> None:
    """Without data the data's clock stands still, and the error says what to run."""
    with pytest.raises(NotReady, match=r"is empty\. Run `onramp ingest` first\."):
        EventStore(home).newest(SHOP)


def test_a_declared_column_that_no_part_holds_is_missing(home: Home) -> None:
    """A property added to the data set's file does not make what is stored unreadable."""
    EventStore(home).commit([source()], [part(home, "old")])
    assert events(home) == [("old", NOON.replace(tzinfo=None), None)]


def test_a_snapshot_stays_as_it_was(home: Home) -> None:
    """What is committed after it was listed is in neither table that is read by it."""
    EventStore(home).commit([], [part(home, "old", spent=1.5)])
    before = EventStore(home).snapshot()
    later = part(home, "later", spent=2.5)
    people = Part(path="people.parquet", holds="customers", rows=1)
    EventStore(home).commit([], [later, people])
    assert before.events == (home.root / "old.parquet",)
    assert before.customers == ()
    now = EventStore(home).snapshot()
    assert (len(now.events), len(now.customers)) == (2, 1)
    with EventStore(home).connect(SHOP, snapshot=before) as db:
        assert db.execute("SELECT event_id FROM events").fetchall() == [("old",)]
        assert db.execute("SELECT count(*) FROM customers").fetchone() == (0,)
