"""From events to features: into the journal, and on to the online store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from features.fresh.freshened import Freshened
from features.online_time import datetime_of
from ingestion.live import LiveEvents, Taken
from lifecycle.event_journal import EventJournal, Row
from lifecycle.event_store import EventStore
from lifecycle.home import Home

if TYPE_CHECKING:
    from features.fresh.freshness import Fresh


class FreshPath:
    """Takes events into the journal, and brings their customers' features up. One thread."""

    def __init__(self, home: Home, days: Sequence[int]) -> None:
        self.home, self.days = home, tuple(days)
        self.live = LiveEvents(home)
        self.journal = EventJournal(home)
        # What a killed process kept and never computed.
        self.late = set(self.journal.customers())
        self.strangers: set[str] = set()
        self._parts = EventStore(home).snapshot()
        self._fresh: Fresh | None = None

    def take(self, rows: Sequence[Row]) -> Taken:
        """Judge and keep events; see `LiveEvents.take`."""
        taken = self.live.take(rows)
        self.late |= taken.customers
        return taken

    def arrived(self) -> None:
        """Look for what files brought: whoever has new rows in the event store is late."""
        self._parts, names = self._opened().computer.past.arrived(self._parts)
        self.late.update(names)
        self.live.moment()

    def refresh(self) -> Freshened | None:
        """Compute and write the rows of all who are late; None where nobody is.

        Raises:
            OnrampError: they stay late, and are tried again.
        """
        if not self.late:
            return None
        found = self._opened().refresh(self.late, datetime_of(self.journal.clock()))
        self.strangers |= found.nobody
        self.late.clear()
        return found

    def _opened(self) -> Fresh:
        from features.fresh.freshness import Fresh  # noqa: PLC0415  starts quicker without it

        if self._fresh is None:
            self._fresh = Fresh(self.home, self.days)
        return self._fresh

    def settled(self) -> None:
        """The journal went to the event store: customers whom it showed first are known now."""
        self.late |= self.strangers
        self.strangers.clear()
