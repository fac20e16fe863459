"""What builds remember of each other, in build.db beside the tables.

A build holds the database's write transaction from its start to its end: nobody else builds
meanwhile, and what it remembers is there only when all of its parts are.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from features import spans
from features.tables import Table
from lifecycle.home import Home
from lifecycle.sqlite import transaction

SCHEMA = (
    spans.SCHEMA
    + """
CREATE TABLE IF NOT EXISTS builds (
    folder TEXT NOT NULL,              -- the table, which is its definition
    days TEXT NOT NULL,                -- of the training moments
    as_of TEXT NOT NULL,
    watermark TEXT NOT NULL,
    customers TEXT NOT NULL,           -- JSON: parts of the event store that were known
    parts TEXT NOT NULL,               -- JSON: parts of the table, quarantine too
    PRIMARY KEY (folder, days)
);
"""
)


@dataclass(frozen=True, kw_only=True)
class Build:
    """What was built: every training moment until the watermark, of customers in these parts.

    Attributes:
        as_of: nothing received later was known.
        customers: the event store's parts of customers.
    """

    as_of: datetime
    watermark: datetime
    customers: frozenset[Path]


@contextmanager
def one_build(home: Home) -> Iterator[sqlite3.Connection]:
    """Hold the home's build lock; the system lets go of it when the process dies.

    Yields:
        build.db, in a transaction that is committed at the end and rolled back by any error.
    """
    with transaction(home.features / "build.db", SCHEMA) as record:
        yield record


def remembered(
    record: sqlite3.Connection, table: Table, days: Sequence[int], customers: Sequence[Path]
) -> Build | None:
    """The newest build of a table with these days.

    None where there is none, or where parts that it knew are gone since: a table that somebody
    removed is built again.
    """
    row = record.execute("SELECT * FROM builds WHERE folder = ? AND days = ?", key(table, days))
    found = row.fetchone()
    if found is None:
        return None
    known = paths(found["customers"])
    there = {*table.parts(), *table.rejected()}
    if not known <= set(customers) or not paths(found["parts"]) <= there:
        return None
    return Build(
        as_of=datetime.fromisoformat(found["as_of"]),
        watermark=datetime.fromisoformat(found["watermark"]),
        customers=known,
    )


def remember(record: sqlite3.Connection, table: Table, days: Sequence[int], build: Build) -> None:
    """Take a finished build for the newest, unless one of a later time is.

    After a build of the past nothing may be forgotten: its own watermark lies before moments
    that are built, and the customers it met have moments behind it that are not.
    """
    before = remembered(record, table, days, sorted(build.customers))
    if before is not None and before.as_of > build.as_of:
        return
    forget_gone(record)
    parts = (*table.parts(), *table.rejected())
    spans.spans(record, parts, "event_timestamp")
    record.execute(
        "INSERT OR REPLACE INTO builds VALUES (?,?,?,?,?,?)",
        (
            *key(table, days), build.as_of.isoformat(), build.watermark.isoformat(),
            listed(build.customers), listed(frozenset(parts)),
        ),
    )  # fmt: skip


def forget_gone(record: sqlite3.Connection) -> None:
    """Drop what is remembered of tables and parts that were removed."""
    rows = record.execute("SELECT DISTINCT folder FROM builds").fetchall()
    gone = [(row["folder"],) for row in rows if not Path(row["folder"]).exists()]
    record.executemany("DELETE FROM builds WHERE folder = ?", gone)
    spans.forget_gone(record)


def key(table: Table, days: Sequence[int]) -> tuple[str, str]:
    return str(table.folder), ",".join(str(day) for day in sorted(set(days)))


def listed(parts: frozenset[Path]) -> str:
    return json.dumps(sorted(str(part) for part in parts))


def paths(text: str) -> frozenset[Path]:
    return frozenset(Path(path) for path in json.loads(text))
