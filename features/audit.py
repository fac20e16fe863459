"""Built features held against their definitions, as they lie there now.

A build holds every row to its bounds before it writes it. What breaks them here was built before
the bounds became stricter, or changed on the disk. Such rows go to quarantine, never away: the
part is written anew without them after they are safe, so that a kill loses nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.audit_store import BATCH, first, fresh, number
from features.bounded import bounded_db
from features.check import MOST_REJECTED, refuse_wrong_schema, split
from features.findings import Finding, judged, untold
from features.record import one_build
from features.schema import broken, view_schema
from features.tables import TTL, Table, keys_sql, write_part
from lifecycle.errors import DataError, NotReady
from lifecycle.home import Home

BOUNDS = "types, bounds"
BUILD = "Run `onramp features`."
SET_ASIDE = (
    "Their moments count as unknown now: run `onramp features`, which makes segments and the stores"
    " follow, then train again what was trained on them."
)


def view_findings(home: Home, table: Table, as_of: datetime) -> Iterator[Finding]:
    """Types, bounds, keys and freshness of one view; broken rows are quarantined.

    Raises:
        Busy: rows are to be moved while a build goes on.
    """
    if not table.parts():
        error = NotReady("It is not built as it is defined now.", do=BUILD)
        yield untold(table.view, BOUNDS, error)
        return
    yield bounded(home, table)
    with bounded_db(table.folder) as db:
        yield one_row_a_moment(db, table)
        [(newest,)] = db.execute(
            f"SELECT max(event_timestamp) FROM ({keys_sql(table.parts())}) WHERE event_timestamp"
            " <= $as_of",
            {"as_of": as_of.astimezone(UTC).replace(tzinfo=None)},
        ).fetchall()
    built = newest.replace(tzinfo=UTC) if newest else None
    yield fresh(table.view, f"a moment was built within {TTL.days} days", built, as_of, BUILD)


def bounded(home: Home, table: Table) -> Finding:
    """Every row within its bounds; where less than half are not, they are set aside."""
    rows, faulty, reasons = 0, [], Counter[str]()
    for part in table.parts():
        file = pq.ParquetFile(part)
        rows += file.metadata.num_rows
        try:
            found = reasons_of(file, table)
        except DataError as error:
            # A part without rows is as wrong as any.
            return judged(
                table.view, BOUNDS, rows, max(1, file.metadata.num_rows),
                found=f"{part.name}: {error.found}", do=f"Remove {part}, then build again.",
            )  # fmt: skip
        reasons.update(found)
        faulty += [part] if found else []
    most = reasons.total() > MOST_REJECTED * rows
    if not faulty or most:
        do = "Most rows break them, so none was moved: mend the bounds in the data set's TOML file."
        return judged(table.view, BOUNDS, rows, reasons.total(), found=first(reasons), do=do)
    with one_build(home):
        for part in faulty:
            set_aside(part, table)
    return Finding(
        stage=table.view, check=BOUNDS, rows=rows, broken=reasons.total(), verdict="quarantined",
        found=first(reasons), do=SET_ASIDE,
    )  # fmt: skip


def reasons_of(file: pq.ParquetFile, table: Table) -> list[str]:
    """The reasons of the rows of one part that break a bound.

    Raises:
        DataError: its types are not those of the definitions.
    """
    refuse_wrong_schema(file.schema_arrow.empty_table(), table)
    schema = view_schema(table.view, table.features)
    return [
        reason
        for batch in file.iter_batches(BATCH)
        for reason in broken(pa.Table.from_batches([batch]), schema).reasons.to_list()
    ]


def set_aside(part: Path, table: Table) -> None:
    """Move the broken rows of a part to quarantine: they are safe there before they leave."""
    rows = pq.ParquetFile(part).read()
    found = broken(rows, view_schema(table.view, table.features))
    checked = split(rows, found)
    write_part(
        checked.rejected, table.quarantine / f"{part.stem}-{digest(checked.rejected)}.parquet"
    )
    write_part(checked.kept, part)


def digest(rows: pa.Table) -> str:
    """The same rows give the same name, so that a repeated move repeats no row."""
    keys = "\n".join(map(str, rows.select(["customer_id", "event_timestamp"]).to_pylist()))
    return hashlib.sha256(keys.encode()).hexdigest()[:12]


def one_row_a_moment(db: duckdb.DuckDBPyConnection, table: Table) -> Finding:
    keys = keys_sql(table.parts())
    rows = number(db, f"SELECT count(*) FROM ({keys})")
    doubled = number(
        db, f"SELECT count(*) FROM (SELECT 1 FROM ({keys}) GROUP BY customer_id, event_timestamp"
        " HAVING count(*) > 1)",
    )  # fmt: skip
    return judged(
        table.view, "a moment has one row", rows, doubled, found=f"{doubled:,} have more",
        do=f"Remove the folder {table.folder}, then build again.",
    )  # fmt: skip


def same_moments(tables: Sequence[Table]) -> Iterator[Finding]:
    """A moment that one view holds, or has in quarantine, is known to the others too."""
    with bounded_db(tables[0].folder) as db:
        for one, other in permutations([table for table in tables if table.parts()], 2):
            keys, known = (keys_sql((*t.parts(), *t.rejected())) for t in (one, other))
            lacking = number(db, f"SELECT count(*) FROM ({keys} EXCEPT {known})")
            rows = number(db, f"SELECT count(*) FROM ({keys})")
            yield judged(
                other.view, f"has every moment of {one.view}", rows, lacking,
                found=f"{lacking:,} are not built", do=BUILD,
            )  # fmt: skip
