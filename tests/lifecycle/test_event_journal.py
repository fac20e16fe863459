"""The journal of live events: what it gives back, and what a kill leaves."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from lifecycle.event_journal import Entry, EventJournal
from lifecycle.home import open_home


def entry(event_id: str, received: int, reason: str | None = None) -> Entry:
    return Entry(
        event_id=event_id, customer_id=f"of {event_id}", occurred=received, received=received,
        reason=reason, row={"event_id": event_id, "value": "é"},
    )  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path) -> EventJournal:
    return EventJournal(open_home(tmp_path))


def test_it_is_empty_and_makes_no_file_before_it_is_written(journal: EventJournal) -> None:
    """A home that takes no live events has none of their files."""
    assert (journal.waiting(), journal.clock(), journal.kept(["a"])) == (0, 0, [])
    assert journal.claim() == (0, [])
    assert journal.customers() == frozenset()
    assert not journal.path.exists()


def test_what_is_appended_is_read_again(journal: EventJournal) -> None:
    """Kept rows by customer; refused ones only on their way to the store."""
    with journal.writing() as page:
        page.append([entry("a", 5), entry("b", 6, "unknown event")], 6)
    assert journal.kept(["of a", "of b"]) == [entry("a", 5)]
    assert journal.customers() == {"of a"}
    assert journal.clock() == 6
    _, entries = journal.claim()
    assert entries == [entry("a", 5), entry("b", 6, "unknown event")]


def test_the_clock_never_goes_back(journal: EventJournal) -> None:
    """Neither by a stamp nor by a moment that lies behind it."""
    with journal.writing() as page:
        page.append([], 10)
        page.append([], 3)
        assert page.clock == 10
    journal.claim(after=7)
    assert journal.clock() == 10
    journal.claim(after=12)
    assert journal.clock() == 12


def test_what_fails_leaves_nothing(journal: EventJournal) -> None:
    """One page is one transaction."""

    def fail() -> None:
        with journal.writing() as page:
            page.append([entry("a", 5)], 5)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (journal.waiting(), journal.clock()) == (0, 0)


def test_an_event_id_is_kept_once(journal: EventJournal) -> None:
    """The database itself refuses a second one; refused rows may repeat it."""
    with journal.writing() as page:
        page.append([entry("a", 5), entry("a", 5, "duplicate"), entry("a", 5, "duplicate")], 5)
        assert page.known(["a", "b"]) == {"a"}
    with journal.writing() as page, pytest.raises(sqlite3.IntegrityError):
        page.append([entry("a", 6)], 6)


def test_a_claim_that_was_not_ended_is_claimed_again_as_it_was(journal: EventJournal) -> None:
    """Killed after the store's commit, the same rows come again, and no others with them."""
    with journal.writing() as page:
        page.append([entry("a", 5)], 5)
    first = journal.claim()
    with journal.writing() as page:
        page.append([entry("b", 6)], 6)
    assert journal.claim() == first
    journal.forget(first[0])
    _, entries = journal.claim()
    assert entries == [entry("b", 6)]
    assert journal.waiting() == 1
