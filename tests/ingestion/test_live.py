"""Live events are judged as a file's rows are, and reach the event store as they do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion import ingest
from ingestion.drain import bring, drain
from ingestion.live import LiveEvents
from lifecycle.errors import UnknownName, UsageError
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from tests.features.canonical import START, days
from tests.features.fresh.live import live_home, said

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """On wall time."""
    return live_home(tmp_path / "home", clock="wall")


def event(word: str = "buy", at: datetime = NOW, **more: Any) -> dict[str, Any]:
    return {"customer_id": "a", "event": word, "occurred_at": at.isoformat(), **more}


def rows(home: Home) -> list[dict[str, Any]]:
    """The event store's events by id."""
    with EventStore(home).connect(home.dataset()) as db:
        names = [row[0] for row in db.execute("DESCRIBE events").fetchall()]
        found = db.execute("SELECT * FROM events ORDER BY event_id").fetchall()
    return [dict(zip(names, row, strict=True)) for row in found]


CASES: Mapping[str, tuple[dict[str, Any], str | None]] = {
    "sound": (event(), None),
    "no customer": (event(customer_id="  "), "no customer_id"),
    "no event": ({**event(), "event": None}, "no event"),
    "not of the vocabulary": (event("dance"), "unknown event"),
    "no time": ({**event(), "occurred_at": None}, "no occurred_at"),
    "no such time": (event() | {"occurred_at": "soon"}, "unreadable occurred_at"),
    "to come": (event(at=NOW + timedelta(hours=1)), "happened after it was received"),
    "by a clock that is fast": (event(at=NOW + timedelta(seconds=60)), None),
    "long ago": (event(at=datetime(1969, 1, 1, tzinfo=UTC)), "occurred_at before 1970-01-02"),
    "no number": (event(value="much"), "unreadable value"),
    "infinite": (event(value="inf"), None),
}


def test_events_are_judged_by_the_rules_of_a_file(home: Home) -> None:
    """Each fault has the reason that a file's row has, and the others are kept."""
    live = LiveEvents(home)
    given = [{**row, "event_id": name} for name, (row, _) in CASES.items()]
    taken = live.take(live.read(given), NOW)
    assert dict(zip(CASES, taken.reasons, strict=True)) == {
        name: reason for name, (_, reason) in CASES.items()
    }
    assert taken.customers == {"a"}


def test_a_drain_keeps_what_was_kept_and_refuses_what_was_refused(home: Home) -> None:
    """Nothing is lost on the way, each refused row has its reason, and values are as they came."""
    live = LiveEvents(home)
    given = [{**row, "event_id": name} for name, (row, _) in CASES.items()]
    live.take(live.read([*given, given[0]]), NOW)
    report = drain(home)
    kept = [name for name, (_, reason) in CASES.items() if reason is None]
    assert (report.rows, report.kept) == (len(CASES) + 1, len(kept))
    stored = {row["event_id"]: row for row in rows(home)}
    assert sorted(stored) == sorted(kept)
    fast = stored["by a clock that is fast"]
    assert fast["occurred_at"] == fast["received_at"] == NOW.replace(tzinfo=None)
    assert stored["infinite"]["value"] is None
    [source] = EventStore(home).sources()
    expected = {reason for _, reason in CASES.values() if reason} | {"duplicate"}
    assert set(json.loads(source.reasons)) == expected
    assert live.journal.waiting() == 0
    assert drain(home).rows == 0


def test_a_live_event_was_received_when_it_came(home: Home) -> None:
    """On wall time nobody's word for it counts, and each request is later than the one before."""
    live = LiveEvents(home)
    early = event(at=NOW - timedelta(days=9), received_at=(NOW - timedelta(days=9)).isoformat())
    moments = [live.take(live.read([early | {"event_id": str(n)}]), NOW).moment for n in range(3)]
    assert moments == sorted(set(moments))
    drain(home)
    received = [row["received_at"] for row in rows(home)]
    assert received == [NOW.replace(tzinfo=None) + timedelta(microseconds=n) for n in range(3)]


def test_nothing_is_received_by_a_moment_that_was_handed_out(home: Home) -> None:
    """What is taken after a drain for a moment is received after that moment."""
    live = LiveEvents(home)
    live.take(live.read([event()]), NOW)
    moment = NOW + timedelta(seconds=5)
    drain(home, as_of=moment)
    live.take(live.read([event(item="x")]), NOW)
    drain(home)
    assert rows(home)[-1]["received_at"] != rows(home)[0]["received_at"]
    assert max(row["received_at"] for row in rows(home)) > moment.replace(tzinfo=None)


def test_an_event_without_an_id_is_known_by_what_it_says(home: Home) -> None:
    """Sent again it is the same; another value makes another."""
    live = LiveEvents(home)
    some = live.read([event(), event(), event(value=1)])
    assert live.take(some, NOW).reasons == (None, "duplicate", None)
    drain(home)
    assert live.take(some, NOW).reasons == ("duplicate",) * 3


def test_an_id_that_a_file_brought_is_a_duplicate(home: Home, tmp_path: Path) -> None:
    """Whoever's the event is: an id names one event."""
    folder = tmp_path / "files" / "events"
    folder.mkdir(parents=True)
    head = "event_id,customer_id,event,occurred_at,received_at,session_id,item,value"
    at = NOW.isoformat()
    (folder / "a.csv").write_text(f"{head}\n1,z,buy,{at},{at},,,\n")
    live = LiveEvents(home)
    ingest(home, home.dataset_file, folder.parent)
    taken = live.take(live.read([event(event_id="1"), event(event_id="2")]), NOW)
    assert taken.reasons == ("duplicate", None)


def test_a_kill_between_commit_and_forgetting_doubles_nothing(home: Home) -> None:
    """The store knows the rows it has when they come again."""
    live = LiveEvents(home)
    live.take(live.read([event(event_id="1"), event("dance", event_id="2")]), NOW)
    _, entries = live.journal.claim()
    bring(home, entries)
    before = EventStore(home).sources()
    live.take(live.read([event(event_id="3")]), NOW)
    assert drain(home).kept == 1
    assert EventStore(home).sources()[: len(before)] == before
    assert [row["event_id"] for row in rows(home)] == ["1", "3"]
    assert json.loads(EventStore(home).sources()[-1].reasons) == {}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("text", "An event is an object."),
        ([], "An event is an object."),
        (event(value=[1]), "'value' of an event is a text"),
        (event(value={"a": 1}), "'value' of an event is a text"),
        (event(value=float("nan")), "It is nan."),
        (event(value=float("inf")), "It is inf."),
        (event(item="\0"), "no text"),
        (event(item="\ud800"), "no text"),
        (event(item="x" * 10_001), "10001 characters"),
    ],
)
def test_what_is_no_event_is_refused_by_its_place(home: Home, fault: Any, words: str) -> None:
    """Before anything is kept; a stream's entry is kept in quarantine with what it was."""
    live = LiveEvents(home)
    with pytest.raises(UsageError, match="Event 1: ") as refused:
        live.read([event(), fault])
    assert words in str(refused.value)
    taken = live.take(live.read_any([event(), fault]), NOW)
    assert taken.reasons[0] is None
    assert str(taken.reasons[1]).startswith("no event: ")
    assert drain(home).quarantined == 1
    [part] = EventStore(home).parts("quarantine")
    [(content,)] = duckdb.sql(f"SELECT content FROM '{part}'").fetchall()
    assert json.loads(content)["#content"]


def test_a_misspelt_field_is_named(home: Home) -> None:
    """A value under a name that nobody reads would be lost."""
    live = LiveEvents(home)
    with pytest.raises(UsageError, match="Did you mean 'value'"):
        live.read([event(valeu=1)])
    assert issubclass(UnknownName, UsageError)


def test_on_the_clock_of_its_data_the_newest_row_sets_the_time(tmp_path: Path) -> None:
    """A late row is received no earlier than what was received before it; wall time is the end."""
    home = live_home(tmp_path / "past")
    live = LiveEvents(home)
    at = START + days(3)

    def received(day: float, name: str) -> dict[str, Any]:
        moment = START + days(day)
        return said(
            {"event_id": name, "customer_id": "a", "event": "buy", "occurred_at": moment,
             "received_at": moment}
        ) | {}  # fmt: skip

    far = event(at=datetime.now(UTC) + timedelta(days=1), event_id="far")
    taken = live.take(live.read([received(3, "1"), received(2, "2"), far]))
    assert taken.reasons == (None, None, "from the future")
    assert taken.moment == (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    drain(home)
    assert {row["received_at"] for row in rows(home)} == {at.replace(tzinfo=None)}
