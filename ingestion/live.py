"""Take events one by one: judged by the rules of a file, durable when it returns.

A live event has the canonical columns by their own names, and the data set's properties beside
them. It is judged by the very SQL that judges a file's rows and kept in the journal, the refused
ones with their reason; `ingestion.drain` brings the journal to the event store as one source.

An event was received when it came, whatever it says itself: on the data set's own clock. A data
set of the past has none but its rows', so there the newest row sets it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from ingestion.frame import Frame
from ingestion.judging import REASON, judge_events
from ingestion.known import KnownIds
from ingestion.live_rows import (
    CONTENT,
    EPOCH,
    KEY,
    REFUSED,
    TICK,
    columns_of,
    live_mapping,
    own_id,
    row_of,
    text_of,
    time_text,
)
from ingestion.mapping import Mapping, read_mapping
from ingestion.settling import DUPLICATE
from ingestion.staging import FILE, ROW
from lifecycle.errors import UsageError
from lifecycle.event_journal import Entry, EventJournal, Micros, Row
from lifecycle.home import Home
from lifecycle.sql import identifier


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What came of some events.

    Attributes:
        reasons: one an event, in the order given; None: it is kept.
        moment: µs since 1970, UTC: all that was kept was received by then, all that is taken
            later is received after it.
        customers: whose events were kept.
    """

    reasons: tuple[str | None, ...]
    moment: Micros
    customers: frozenset[str]

    @property
    def kept(self) -> int:
        return self.reasons.count(None)


class LiveEvents:
    """Takes events into the journal of a home. One thread at a time; processes may share a home.

    Raises:
        NotReady: nothing was ingested yet, so the home has no data set.
        DataError: the data set's file cannot be read.
    """

    def __init__(self, home: Home) -> None:
        home.dataset()
        mapping = read_mapping(home.dataset_file)
        self.mapping = live_mapping(mapping)
        self.columns = columns_of(mapping)
        self.journal = EventJournal(home)
        self._past = mapping.clock == "data"
        self._known = KnownIds(home, self.mapping, newest=self._past)
        # The whole store's ids, before anybody waits for them under the journal's lock.
        self._known.refresh()
        self._judge = Judge(self.mapping, self.columns)

    def moment(self) -> Micros:
        """Now, on the data set's own clock: what is taken later is received after it.

        All that the event store holds by now was received by then.
        """
        with self.journal.writing() as page:
            newest = self._known.refresh() or 0
            stamp = newest if self._past else (datetime.now(UTC) - EPOCH) // TICK
            page.append([], stamp)
            return page.clock

    def read_any(self, events: Sequence[object]) -> list[Row]:
        """Events as rows; what is no event becomes a row that is refused, with what it was."""
        rows: list[Row] = []
        for event in events:
            try:
                rows.append(row_of(event, self.columns))
            except UsageError as error:
                told = json.dumps(event, default=repr)
                rows.append({**dict.fromkeys(self.columns), REFUSED: f"no event: {error.what}",
                             CONTENT: told})  # fmt: skip
        return rows

    def read(self, events: Sequence[object]) -> list[Row]:
        """Events as rows.

        Raises:
            UsageError: one is no event; the message says which.
        """
        rows = []
        for place, event in enumerate(events):
            try:
                rows.append(row_of(event, self.columns))
            except UsageError as error:
                raise UsageError(
                    f"Event {place}: {error.what}", found=error.found, do=error.do
                ) from error
        return rows

    def take(self, rows: Sequence[Row], now: datetime | None = None) -> Taken:
        """Judge events and keep them; they are on disk when this returns.

        Args:
            rows: as `read` gives them.
            now: wall time, by default now; on it the clock of a data set of the present is set.
        """
        wall = ((now or datetime.now(UTC)) - EPOCH) // TICK
        ids = [own_id(row) for row in rows]
        with self.journal.writing() as page:
            newest = self._known.refresh()
            clock = max(page.clock, newest or 0) if self._past else page.clock
            stamp = clock + 1 if self._past else max(wall, clock + 1)
            given = [
                {**row, "event_id": event_id, **self._receipt(stamp)}
                for row, event_id in zip(rows, ids, strict=True)
            ]
            judged = self._judge.judge(given, max(wall, stamp))
            known = page.known(ids) | self._known.among(ids)
            entries = []
            for row, one in zip(given, judged, strict=True):
                entry = self._entry(row, one, known, stamp)
                stamp = max(stamp, entry.received)
                known |= {entry.event_id} if entry.reason is None else frozenset()
                entries.append(entry)
            page.append(entries, stamp)
        return Taken(
            reasons=tuple(entry.reason for entry in entries),
            moment=stamp,
            customers=frozenset(
                e.customer_id for e in entries if e.reason is None and e.customer_id is not None
            ),
        )

    def _receipt(self, stamp: Micros) -> Row:
        return {} if self._past else {"received_at": time_text(stamp)}

    def _entry(
        self, row: Row, judged: Dictionary[str, Any], known: frozenset[str], stamp: Micros
    ) -> Entry:
        reason = row.get(REFUSED) or judged[REASON]
        if reason is None and judged["event_id"] in known:
            reason = DUPLICATE
        received = stamp
        if self._past and reason is None:
            received = max(stamp, judged["received_at"])
        if reason is None:
            # As it was judged, so that it is judged alike when it goes to the store.
            row = {
                **row, "customer_id": judged["customer_id"], "event": judged["event"],
                "occurred_at": time_text(judged["occurred_at"]),
                "received_at": time_text(received),
                **{name: text_of(name, judged[name]) for name in self.mapping.properties},
            }  # fmt: skip
        return Entry(
            event_id=judged["event_id"],
            customer_id=judged["customer_id"],
            occurred=judged["occurred_at"],
            received=received,
            reason=reason,
            row=row,
        )


class Judge:
    """The SQL that judges a file's rows, over rows in memory."""

    def __init__(self, mapping: Mapping, columns: Sequence[str]) -> None:
        self.columns = columns
        self.db = duckdb.connect()
        self.db.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false; SET threads = 1")
        described = ", ".join(f"{identifier(name)} VARCHAR" for name in columns)
        self.db.execute(
            f"CREATE TABLE raw ({identifier(ROW)} BIGINT, {identifier(FILE)} VARCHAR, {described})"
        )
        frame = Frame(KEY, "live", frozenset(columns), dict.fromkeys(columns, "VARCHAR"))
        judged = judge_events(mapping, mapping.events["live"], frame)
        values = "".join(f", {identifier(name)}" for name in mapping.properties)
        self.sql = (
            f"SELECT event_id, customer_id, event, epoch_us(occurred_at) AS occurred_at,"
            f' epoch_us(received_at) AS received_at, "{REASON}"{values}'
            f' FROM ({judged}) ORDER BY "{ROW}"'
        )

    def judge(self, rows: Sequence[Row], now: Micros) -> list[dict[str, Any]]:
        """One a row: canonical columns, times in µs, and the reason.

        Args:
            rows: all columns of each.
            now: µs; what is received later is from the future.
        """
        names = [ROW, FILE, *self.columns]
        types = [pa.int64(), *[pa.string()] * (1 + len(self.columns))]
        values = [
            list(range(len(rows))),
            ["live"] * len(rows),
            *([row[name] for row in rows] for name in self.columns),
        ]
        table = pa.table([pa.array(v, t) for v, t in zip(values, types, strict=True)], names=names)
        self.db.register("given", table)
        self.db.execute("DELETE FROM raw; INSERT INTO raw SELECT * FROM given")
        self.db.unregister("given")
        given = {"now": EPOCH + now * TICK} if "$now" in self.sql else {}
        found = self.db.execute(self.sql, given)
        head = [column[0] for column in found.description or ()]
        return [dict(zip(head, line, strict=True)) for line in found.fetchall()]
