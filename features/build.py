"""Compute every feature at every moment that is due and not yet built.

Only what was received by a moment enters it, so a row that is built never changes: a build adds
the moments that are new. Killed, it leaves whole parts, and the next build goes on from there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from features.check import check
from features.moments import ONBOARDING_DAYS, due_sql, onboarding_sql
from features.tables import Table, keys_sql, tables, write_part
from lifecycle.errors import NotReady
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.progress import Advance, Progress, silent
from lifecycle.sqlite import transaction

# Moments computed at once: bounds memory, and what a kill can lose.
CHUNK = 200_000

PENDING = """
CREATE OR REPLACE TEMP TABLE pending AS
SELECT row_number() OVER (ORDER BY event_timestamp, customer_id) - 1 AS n, *
FROM wanted ANTI JOIN ({built}) USING (customer_id, event_timestamp)
"""


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
    home: Home, *, moments_days: tuple[int, ...], as_of: datetime, progress: Progress = silent
) -> BuildReport:
    """Bring both feature tables up to `as_of`.

    Builds each training moment that is due by the watermark (`moments_days` after sign-up) and a
    snapshot at `as_of` of every customer who signed up in the last `ONBOARDING_DAYS`: the server
    answers now, of what there is; a training moment waits until all of its past can be known.

    Raises:
        NotReady: no customer is known, or none has come to a moment.
        DataError: a table as a whole is wrong.
        Busy: another build goes on in this home.
    """
    as_of = as_of.astimezone(UTC)
    dataset = home.dataset()
    with one_build(home), EventStore(home).connect(dataset) as db:
        reach = max((ONBOARDING_DAYS, *moments_days))
        snapshot = onboarding_sql(dataset, reach, as_of, moments_days)
        due = due_sql(dataset, moments_days, as_of)
        db.execute(f"CREATE TEMP TABLE wanted AS ({due}) UNION ({snapshot})")
        moments, onboarding = count(db, "wanted"), count(db, f"({snapshot})")
        if moments == 0:
            raise NotReady(
                f"No moment is due in {home.root} by {as_of:%Y-%m-%d %H:%M} UTC.",
                found="No customer signed up in time.",
                do="Ingest customers, or name a later time.",
            )
        views = tuple(build_view(db, table, progress) for table in tables(home, dataset))
    return BuildReport(as_of=as_of, moments=moments, onboarding=onboarding, views=views)


@contextmanager
def one_build(home: Home) -> Iterator[None]:
    """Hold the home's build lock; the system lets go of it when the process dies."""
    with transaction(home.features / "build.db", ""):
        yield


def build_view(db: duckdb.DuckDBPyConnection, table: Table, progress: Progress) -> ViewReport:
    db.execute(PENDING.format(built=keys_sql((*table.parts(), *table.rejected()))))
    pending, known = count(db, "pending"), count(db, "wanted")
    reasons: dict[str, None] = {}
    rejected = parts = 0
    with progress(f"features: {table.view}", pending) as advance:
        for start in range(0, pending, CHUNK):
            found = build_part(db, table, start, advance)
            reasons |= dict.fromkeys(found)
            rejected += len(found)
            parts += 1
    return ViewReport(
        view=table.view, features=len(table.features), built=pending - rejected,
        known=known - pending, quarantined=rejected, reasons=tuple(sorted(reasons)), parts=parts,
    )  # fmt: skip


def build_part(
    db: duckdb.DuckDBPyConnection, table: Table, start: int, advance: Advance
) -> Sequence[str]:
    """Compute, check and write one chunk of the pending moments; returns its rejects' reasons."""
    db.execute(
        "CREATE OR REPLACE TEMP TABLE moments AS SELECT n AS k, customer_id,"
        f" event_timestamp AS moment, signed_up_at FROM pending WHERE n >= {start}"
        f" AND n < {start + CHUNK}"
    )
    rows = compute(db, table)
    checked = check(rows, table)
    name = part_name(rows)
    # Rejects first: killed between the two, the next build has the kept ones still to do.
    if checked.rejected.num_rows:
        write_part(checked.rejected, table.quarantine / name)
    write_part(checked.kept, table.folder / name)
    advance(rows.num_rows)
    return [str(reason) for reason in checked.rejected["reason"].to_pylist()]


def compute(db: duckdb.DuckDBPyConnection, table: Table) -> pa.Table:
    """Compute the view's rows for the relation `moments`, by moment and customer."""
    found = db.sql(table.sql).to_arrow_table()
    times = [found.schema.get_field_index(name) for name in ("event_timestamp", "created_at")]
    for index in times:
        field = table.schema.field(found.schema.field(index).name)
        # The SQL speaks naive UTC; on disk a time carries its zone.
        found = found.set_column(index, field, found.column(index).cast(field.type))
    return found.replace_schema_metadata(None)


def part_name(rows: pa.Table) -> str:
    """Named by its moments: the same moments give the same name."""
    first, last = rows["event_timestamp"][0].as_py(), rows["event_timestamp"][-1].as_py()
    digest = hashlib.sha256()
    for name in ("customer_id", "event_timestamp"):
        digest.update("\n".join(map(str, rows[name].to_pylist())).encode())
    return f"{first:%Y%m%dT%H%M%S}-{last:%Y%m%dT%H%M%S}-{digest.hexdigest()[:12]}.parquet"


def count(db: duckdb.DuckDBPyConnection, relation: str) -> int:
    found = db.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(found[0]) if found else 0
