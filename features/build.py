"""Compute every feature at every moment that is due and not yet built.

Only what was received by a moment enters it, so a row that is built never changes: a build adds
the moments that are new. Killed, it leaves whole parts, and the next build goes on from there.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.check import check
from features.gather import CHUNK, bound_memory, clear_scratch, cut, gather_sql, gathered, shown
from features.pending import Asked, Wanted, asked, find_pending, want
from features.record import Build, one_build, remember
from features.sql import SOURCES
from features.tables import Table, tables, write_part
from lifecycle.errors import NotReady
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.progress import Advance, Progress, silent


@dataclass(frozen=True, kw_only=True)
class ViewReport:
    """What a build did to one view; counts are rows (one row a moment)."""

    view: str
    features: int
    built: int
    known: int
    quarantined: int
    reasons: tuple[str, ...]
    parts: int

    def lines(self) -> list[str]:
        """What a person reads."""
        return [
            (
                f"{self.view}: {self.features} features, {self.built:,} rows built, "
                f"{self.known:,} known, {self.quarantined:,} quarantined"
            ),
            *(f"  quarantined: {reason}" for reason in self.reasons),
        ]


@dataclass(frozen=True, kw_only=True)
class BuildReport:
    """What a build did.

    Attributes:
        moments: due by the watermark, training moments and snapshot together.
        onboarding: customers in the snapshot at `as_of`.
    """

    as_of: datetime
    moments: int
    onboarding: int
    views: tuple[ViewReport, ...]

    def lines(self) -> list[str]:
        """What a person reads."""
        return [
            (
                f"{self.moments:,} moments by {self.as_of:%Y-%m-%d %H:%M} UTC, "
                f"{self.onboarding:,} customers onboarding"
            ),
            *(line for view in self.views for line in view.lines()),
        ]

    @property
    def built(self) -> int:
        return sum(view.built for view in self.views)

    @property
    def quarantined(self) -> int:
        return sum(view.quarantined for view in self.views)


def build(
    home: Home,
    *,
    moments_days: tuple[int, ...],
    as_of: datetime,
    snapshot: bool = True,
    chunk: int = CHUNK,
    progress: Progress = silent,
) -> BuildReport:
    """Bring both feature tables up to `as_of`.

    Builds each training moment that is due by the watermark (`moments_days` after sign-up) and a
    snapshot at `as_of` of every customer who signed up in the last `ONBOARDING_DAYS`: the server
    answers now, of what there is; a training moment waits until all of its past can be known.

    What a build costs depends on the moments that are new and on what their customers did, not
    on history; its memory is bounded.

    Args:
        home: with an event store.
        moments_days: days after sign-up.
        as_of: nothing received later exists.
        snapshot: without it only training moments are built.
        chunk: moments computed at once, which bounds memory.
        progress: shown while features are computed.

    Raises:
        NotReady: no customer is known, or none has come to a moment.
        DataError: a table as a whole is wrong.
        Busy: another build, or an ingestion, goes on in this home.
    """
    with one_build(home) as record:
        ask = asked(home, moments_days, as_of, snapshot=snapshot)
        store = EventStore(home)
        with store.connect(ask.dataset, only=("customers",), snapshot=ask.parts) as db:
            bound_memory(db, home)
            wanted = want(db, record, ask)
            if wanted.moments == 0 or wanted.watermark is None:
                raise NotReady(
                    f"No moment is due in {home.root} by {ask.as_of:%Y-%m-%d %H:%M} UTC.",
                    found="No customer signed up in time.",
                    do="Ingest customers, or name a later time.",
                )
            done = Build(
                as_of=ask.as_of, watermark=wanted.watermark, customers=frozenset(ask.customers)
            )
            run = Run(home, db, record, ask, wanted, chunk, progress)
            views = []
            for table in tables(home, ask.dataset):
                views.append(run.build_view(table))
                remember(record, table, ask.days, done)
        clear_scratch(home)
    return BuildReport(
        as_of=ask.as_of, moments=wanted.moments, onboarding=wanted.onboarding, views=tuple(views)
    )


@dataclass(frozen=True)
class Run:
    """One call of `build`."""

    home: Home
    db: duckdb.DuckDBPyConnection
    record: sqlite3.Connection
    ask: Asked
    wanted: Wanted
    chunk: int
    progress: Progress

    def build_view(self, table: Table) -> ViewReport:
        pending = find_pending(self.db, self.record, self.ask, table)
        reasons: list[str] = []
        chunks = cut(self.db, self.chunk) if pending else []
        with self.progress(f"features: {table.view}", pending) as advance:
            for found in self.build_chunks(table, chunks, advance):
                reasons += found
        return ViewReport(
            view=table.view, features=len(table.features), built=pending - len(reasons),
            known=self.wanted.moments - pending, quarantined=len(reasons),
            reasons=tuple(sorted(set(reasons))), parts=len(chunks),
        )  # fmt: skip

    def build_chunks(
        self, table: Table, chunks: Sequence[int], advance: Advance
    ) -> Iterator[list[str]]:
        """Build chunk by chunk; yields the reasons of each one's rejects."""
        if not chunks:
            return
        source = SOURCES[table.view]
        query = gather_sql(self.db, self.record, self.ask, table)
        with gathered(self.db, self.home, query, chunks=len(chunks)):
            for chunk in chunks:
                with shown(self.db, self.home, source, chunk):
                    rows = compute(self.db, table, chunk)
                yield keep(rows, table)
                advance(rows.num_rows)


def keep(rows: pa.Table, table: Table) -> list[str]:
    """Check and write the rows of one chunk; returns its rejects' reasons."""
    checked = check(rows, table)
    name = part_name(rows)
    # Rejects first: killed between the two, the next build has the kept ones still to do.
    if checked.rejected.num_rows:
        write_part(checked.rejected, table.quarantine / name)
    write_part(checked.kept, table.folder / name)
    return [str(reason) for reason in checked.rejected["reason"].to_pylist()]


def compute(db: duckdb.DuckDBPyConnection, table: Table, chunk: int) -> pa.Table:
    """Compute the view's rows for the relation `moments`, by moment and customer."""
    found = db.sql(table.sql).to_arrow_table()
    names = db.sql(
        f"SELECT n, customer_id FROM people WHERE chunk = {chunk} ORDER BY n"
    ).to_arrow_table()
    places = pc.index_in(found["customer_id"], names["n"])
    return zoned(found.set_column(0, "customer_id", names["customer_id"].take(places)), table)


def zoned(found: pa.Table, table: Table) -> pa.Table:
    """Rows of the view's SQL as they are stored."""
    times = [found.schema.get_field_index(name) for name in ("event_timestamp", "created_at")]
    for index in times:
        field = table.schema.field(found.schema.field(index).name)
        # The SQL speaks naive UTC; stored, a time carries its zone.
        found = found.set_column(index, field, found.column(index).cast(field.type))
    return found.replace_schema_metadata(None)


def part_name(rows: pa.Table) -> str:
    """Named by its moments: the same moments give the same name."""
    first, last = rows["event_timestamp"][0].as_py(), rows["event_timestamp"][-1].as_py()
    digest = hashlib.sha256()
    keys = rows.select(["customer_id", "event_timestamp"]).combine_chunks()
    digest.update(keys["event_timestamp"].to_numpy().tobytes())
    digest.update("\n".join(keys["customer_id"].to_pylist()).encode())
    return f"{first:%Y%m%dT%H%M%S}-{last:%Y%m%dT%H%M%S}-{digest.hexdigest()[:12]}.parquet"
