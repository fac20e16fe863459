"""Bring live events from the journal to the event store, as one source like any file.

They are judged, held against the store, checked, counted and committed by the code that does it
for files. Each keeps the reason it was refused for when it came.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.ingest import Job, Run, committed, workplace
from ingestion.live_rows import (
    CONTENT,
    EPOCH,
    KEY,
    REFUSED,
    TICK,
    columns_of,
    live_mapping,
)
from ingestion.lock import only_writer
from ingestion.mapping import Mapping, read_mapping
from ingestion.report import TableReport
from ingestion.sources import Found
from ingestion.writing import sweep
from lifecycle.event_journal import Entry, EventJournal
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.sql import literal


@dataclass(frozen=True, kw_only=True)
class DrainReport:
    """What went from the journal to the event store; rows."""

    rows: int = 0
    kept: int = 0
    quarantined: int = 0

    def lines(self) -> list[str]:
        """What a person reads; nothing where there was nothing to bring."""
        if not self.rows:
            return []
        return [f"live events: {self.kept:,} kept, {self.quarantined:,} quarantined"]


def drain(home: Home, *, as_of: datetime | None = None) -> DrainReport:
    """Bring every live event to the event store.

    Killed at any point it is repeated with the same rows: the store knows a source by its
    content, and the journal forgets rows only when the store has them.

    Args:
        home: with a journal, or without.
        as_of: a moment that is about to be built: what is taken after this call is received
            after it, so that nothing received by then is missed.

    Raises:
        Busy: another process is ingesting into this home.
    """
    journal = EventJournal(home)
    if not journal.path.exists() or (as_of is None and not journal.waiting()):
        return DrainReport()
    with only_writer(home):
        report = DrainReport()
        after = 0 if as_of is None else (as_of - EPOCH) // TICK
        while True:
            last, entries = journal.claim(after=after)
            if not entries:
                return report
            report = added(report, bring(home, entries))
            journal.forget(last)


def added(report: DrainReport, table: TableReport) -> DrainReport:
    return DrainReport(
        rows=report.rows + table.rows_read,
        kept=report.kept + table.rows_kept,
        quarantined=report.quarantined + table.rows_quarantined,
    )


def bring(home: Home, entries: Sequence[Entry]) -> TableReport:
    """Commit entries to the event store, unless they are there."""
    mapping = live_mapping(read_mapping(home.dataset_file))
    fingerprint = named(entries)
    if fingerprint in {source.fingerprint for source in EventStore(home).sources()}:
        return TableReport(table=KEY, sources_known=1)
    sweep(home, committed(EventStore(home)))
    with workplace() as (connection, folder):
        found = written(entries, columns_of(mapping), folder, fingerprint)
        run = Run(home, with_reasons(mapping, entries), None, connection, folder, 0)
        return run.read_batch(Job(KEY, "events", run.mapping.events["live"]), [found])


def named(entries: Sequence[Entry]) -> str:
    """Names the rows by what they say."""
    digest = hashlib.blake2b(KEY.encode() + b"\0", digest_size=16)
    for entry in entries:
        told = [entry.received, entry.reason, sorted(entry.row.items())]
        digest.update(json.dumps(told).encode())
    return digest.hexdigest()


def written(
    entries: Sequence[Entry], columns: Sequence[str], folder: Path, fingerprint: str
) -> Found:
    """The rows as a file of texts."""
    values = {name: [entry.row.get(name) for entry in entries] for name in (*columns, CONTENT)}
    values[REFUSED] = [entry.reason for entry in entries]
    table = pa.table({name: pa.array(found, pa.string()) for name, found in values.items()})
    first = EPOCH + entries[0].received * TICK
    path = folder / f"live-{first:%Y%m%dT%H%M%S}.parquet"
    pq.write_table(table, path)
    return Found(
        name=path.name,
        path=path,
        form="parquet",
        columns=tuple(values),
        fingerprint=fingerprint,
        size=path.stat().st_size,
    )


def with_reasons(mapping: Mapping, entries: Sequence[Entry]) -> Mapping:
    """The mapping with a rule for each reason that a row was refused for when it came."""
    reasons = sorted({entry.reason for entry in entries if entry.reason is not None})
    rules = {reason: f'"{REFUSED}" = {literal(reason)}' for reason in reasons}
    table = mapping.events["live"].model_copy(update={"reject": rules})
    return mapping.model_copy(update={"events": {"live": table}})
