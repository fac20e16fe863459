"""Bring a data set's sources into the event store: every row is kept, or quarantined with why."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dictionary
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ingestion import settling
from ingestion.accounting import account, summed
from ingestion.checks import check
from ingestion.databases import environment, last_mark, spool
from ingestion.frame import Frame, understood
from ingestion.judging import judge
from ingestion.lock import only_writer
from ingestion.mapping import CustomerTable, EventTable, Mapping, read_mapping
from ingestion.report import IngestReport, TableReport, add_tables, report
from ingestion.sources import Found, batches, find_files, fingerprint, form_of, header
from ingestion.staging import stage
from ingestion.writing import PartWriter, sweep
from lifecycle.dataset import read_dataset
from lifecycle.errors import DataError, UsageError
from lifecycle.event_store import EventStore, Part, Table
from lifecycle.home import Home
from lifecycle.progress import Progress, silent
from lifecycle.whole import write_whole

BATCH_BYTES = 64 << 20
MEMORY = "2GiB"


@dataclass(frozen=True)
class Job:
    """One table of the TOML file."""

    key: str
    feeds: Table
    table: EventTable | CustomerTable


def ingest(
    home: Home,
    toml: Path,
    source: Path | None = None,
    *,
    progress: Progress = silent,
    batch_bytes: int = BATCH_BYTES,
    only: frozenset[Path] | None = None,
) -> IngestReport:
    """Read what is new below `source`, and what is new in databases, into the home's store.

    A source is known by its bytes: reading the same again adds nothing. Sources are read in
    order of their names, in batches; each batch is committed whole or not at all.

    Args:
        home: where the store is.
        toml: the data set's file; a copy is kept in the home.
        source: the folder, or one file; None where every table reads a database.
        progress: shows the sources read.
        batch_bytes: the most that is read before a commit; a larger file is read whole.
        only: files to look at; None: all that a table names.

    Raises:
        UsageError: the home belongs to another data set, or the source is missing.
        DataError: the file or its sources do not fit together.
        Busy: another process is ingesting into this home.
    """
    begun = time.monotonic()
    mapping = read_mapping(toml)
    with only_writer(home):
        notes = list(adopt(home, toml, mapping))
        sweep(home, committed(EventStore(home)))
        with workplace() as (connection, spooled):
            run = Run(home, mapping, source, connection, spooled, batch_bytes, only)
            reports = []
            for job in jobs(mapping):
                found = list(run.find(job, environment()))
                reports.append(run.read(job, found, progress))
    if not any(r.sources_new or r.sources_known for r in reports):
        raise DataError(
            f"Nothing to read for the data set {mapping.name!r}.",
            found=f"No file below {source} matches {', '.join(patterns(mapping))}."
            if patterns(mapping)
            else "Every query gave no rows.",
            do="Look at --from and at the files patterns of the TOML file.",
        )
    notes += [
        f"[{r.table}] found no source." for r in reports if not r.sources_new + r.sources_known
    ]
    return report(mapping.name, home.root, tuple(reports), tuple(notes), time.monotonic() - begun)


def patterns(mapping: Mapping) -> list[str]:
    return [pattern for job in jobs(mapping) for pattern in job.table.files]


def jobs(mapping: Mapping) -> Iterator[Job]:
    for name, customers in sorted(mapping.customers.items()):
        yield Job(f"customers.{name}", "customers", customers)
    for name, events in sorted(mapping.events.items()):
        yield Job(f"events.{name}", "events", events)


def adopt(home: Home, toml: Path, mapping: Mapping) -> Iterator[str]:
    """Keep a copy of the TOML file in the home; yields notes.

    Raises:
        UsageError: the home belongs to another data set.
    """
    content = toml.read_bytes()
    if home.dataset_file.exists():
        there = read_dataset(home.dataset_file)
        if there.name != mapping.name:
            raise UsageError(
                f"{home.root} belongs to the data set {there.name!r}.",
                found=f"{toml} describes {mapping.name!r}.",
                do="Set ONRAMP_HOME to another folder.",
            )
        if home.dataset_file.read_bytes() == content:
            return
        if EventStore(home).sources():
            yield (
                f"{toml.name} has changed. What was read before stays as it was read then; "
                "delete the home to read it anew."
            )
    write_whole(home.dataset_file, content)


def committed(store: EventStore) -> frozenset[Path]:
    return frozenset(
        path for holds in ("events", "customers", "quarantine") for path in store.parts(holds)
    )


@contextmanager
def workplace() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A DuckDB that spills to a folder which ends with it."""
    with tempfile.TemporaryDirectory(prefix="onramp-ingest-") as folder, duckdb.connect() as work:
        work.execute(
            "SET TimeZone = 'UTC'; SET enable_progress_bar = false;"
            f"SET memory_limit = '{MEMORY}'; SET temp_directory = '{folder}/spill'"
        )
        yield work, Path(folder)


@dataclass(frozen=True)
class Run:
    """One call of `ingest`."""

    home: Home
    mapping: Mapping
    source: Path | None
    connection: duckdb.DuckDBPyConnection
    spooled: Path
    batch_bytes: int
    only: frozenset[Path] | None = None

    def find(self, job: Job, environ: Dictionary[str, str]) -> Iterator[Found]:
        """Every source of a table that is there now, by name."""
        for name, path in find_files(job.table, job.key, self.source):
            if self.only is not None and path not in self.only:
                continue
            yield Found(
                name=name,
                path=path,
                form=form_of(path),
                columns=header(path, job.table),
                fingerprint=fingerprint(job.key, path),
                size=path.stat().st_size,
            )
        if job.table.sql:
            names = [source.name for source in EventStore(self.home).sources()]
            after = last_mark(job.table, job.key, names) if job.table.resume else None
            answer = spool(job.table, job.key, after, self.spooled, environ)
            if answer is not None:
                yield answer

    def read(self, job: Job, found: Sequence[Found], progress: Progress) -> TableReport:
        """Read and commit those sources that are not known."""
        known = {source.fingerprint for source in EventStore(self.home).sources()}
        fresh = []
        for source in found:
            if source.fingerprint not in known:
                fresh.append(source)
                known.add(source.fingerprint)
        total = TableReport(table=job.key, sources_known=len(found) - len(fresh))
        with progress(f"Reading {job.key}", len(fresh)) as advance:
            for batch in batches(fresh, self.batch_bytes):
                total = add_tables(total, self.read_batch(job, batch))
                advance(len(batch))
        return total

    def read_batch(self, job: Job, batch: Sequence[Found]) -> TableReport:
        """Stage, judge, settle, write, check and commit one batch."""
        store = EventStore(self.home)
        columns = stage(self.connection, job.table, batch, self.source)
        frame = Frame(job.key, batch[0].name, columns)
        frame = understood(self.connection, self.mapping, job.table, frame)
        settling.open_store(
            self.connection, self.mapping, store.parts("events"), store.parts("customers")
        )
        writer = PartWriter(self.connection, self.home, part_name(batch))
        parts = list(self.settle(job, judge(self.mapping, job.table, frame), writer))
        parts += writer.quarantine(job.key, batch, columns)
        check(self.connection, self.home, self.mapping, parts)
        sources = account(self.connection, job.feeds, batch)
        store.commit(sources, parts)
        derived = sum(p.rows for p in parts if p.holds == "customers" and job.feeds == "events")
        return replace(summed(self.connection, job.key, sources), customers_new=derived)

    def settle(self, job: Job, judged: str, writer: PartWriter) -> Sequence[Part]:
        """Write the parts with the rows that a table keeps."""
        given = {"now": datetime.now(UTC)} if "$now" in judged else {}
        self.connection.execute(f"CREATE TEMP TABLE judged AS {judged}", given)
        if job.feeds == "customers":
            settling.settle_customers(self.connection, self.mapping)
            return writer.customers(self.mapping)
        settling.settle_events(self.connection)
        parts = list(writer.events(self.mapping))
        first = self.mapping.customers_from_events
        if first is not None and job.key == f"events.{first.of}":
            parts += writer.new_customers(self.mapping)
        return parts


def part_name(batch: Sequence[Found]) -> str:
    """A name that the same sources give again: a killed run's files are written over."""
    digest = hashlib.blake2b(digest_size=8)
    for source in batch:
        digest.update(source.fingerprint.encode())
    return f"{Path(batch[0].name).stem.replace(' ', '-')}-{digest.hexdigest()}"
