"""Sources that never end: whole files once, a stream's entries at least once and kept once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis as client

from ingestion.follow import Folder, Stream, fields_of, split
from ingestion.live import LiveEvents
from lifecycle.errors import NotReady, UsageError
from lifecycle.home import Home
from tests.features.fresh.live import live_home
from tests.servers import redis_server

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEAD = "event_id,customer_id,event,occurred_at,received_at,session_id,item,value\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return live_home(tmp_path / "home", clock="wall")


def line(number: int) -> str:
    at = NOW.isoformat()
    return f"{number},a,buy,{at},{at},,,\n"


def test_a_file_is_taken_once_when_it_has_come_to_rest(home: Home, tmp_path: Path) -> None:
    """A file that grows is left alone until two looks find it alike."""
    folder = tmp_path / "files"
    (folder / "events").mkdir(parents=True)
    source = Folder(home, home.dataset_file, folder)
    assert source.poll() is None
    path = folder / "events" / "a.csv"
    path.write_text(HEAD + line(1))
    assert source.poll() is None
    path.write_text(HEAD + line(1) + line(2))
    assert source.poll() is None
    report = source.poll()
    assert report is not None
    assert report.rows_kept == 2
    assert source.poll() is None
    (folder / "events" / "b.csv").write_text(HEAD + line(2) + line(3))
    assert source.poll() is None
    second = source.poll()
    assert second is not None
    assert (second.rows_kept, second.rows_quarantined) == (1, 1)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with redis_server() as address:
        yield address


def test_entries_that_were_not_acknowledged_come_again(home: Home, server: str) -> None:
    """After a kill between keeping and saying so, nothing is lost and nothing counts twice."""
    address = f"redis://{server}/0/events"
    writer = client.Redis.from_url(f"redis://{server}/0")
    event = {"customer_id": "a", "event": "buy", "occurred_at": NOW.isoformat()}
    for number in range(3):
        writer.xadd("events", {**event, "event_id": str(number)})
    live = LiveEvents(home)
    first = Stream(address)
    assert not first.poll(0.01).ids  # nothing was left behind
    read = first.poll(0.01)
    assert live.take(live.read_any(read.events), NOW).kept == 3
    writer.xadd("events", {**event, "event_id": "3"})
    again = Stream(address)
    left = again.poll(0.01)
    assert left.ids == read.ids
    assert live.take(live.read_any(left.events), NOW).reasons == ("duplicate",) * 3
    again.done(left)
    assert not again.poll(0.01).ids
    fresh = again.poll(0.01)
    assert live.take(live.read_any(fresh.events), NOW).kept == 1
    again.done(fresh)
    assert not again.poll(0.01).ids


def test_an_entry_that_is_no_text_is_no_event(home: Home) -> None:
    """It is kept in quarantine, and does not stop the stream."""
    live = LiveEvents(home)
    taken = live.take(live.read_any([fields_of({b"event": b"\xff"}), fields_of(None)]), NOW)
    assert str(taken.reasons[0]).startswith("no event: No field of an event named")
    assert taken.reasons[1] == "no customer_id"


def test_a_server_that_does_not_answer_is_named() -> None:
    """As an error that a supervisor may wait out."""
    with pytest.raises(NotReady, match="events cannot be read"):
        Stream("redis://127.0.0.1:1/0/events").poll(0.01)


@pytest.mark.parametrize("url", ["events", "redis://host/events", "redis://host/0", "http://h/0/e"])
def test_another_address_is_refused(url: str) -> None:
    """With one that would do."""
    with pytest.raises(UsageError, match="redis://HOST:PORT/DATABASE/NAME"):
        split(url)


def test_an_address_names_the_server_and_the_stream() -> None:
    """Names may hold slashes; a password stays with the server."""
    assert split("redis://:pw@h:1/2/a/b") == ("redis://:pw@h:1/2", "a/b")
