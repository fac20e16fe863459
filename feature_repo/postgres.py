"""Built features in PostgreSQL, where Feast reads them when its offline store is there.

A table holds one view by one definition, as a folder of Parquet parts does. A part and the note
that it is in are one transaction: killed at any time, a part is wholly in or wholly out. Rows that
are there already, from another home or from parts cut otherwise, are the same rows and stay. A part
that was written anew under its name, because a check has set rows aside, makes the table anew.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from feast.infra.utils.postgres.connection_utils import _get_conn
from feast.repo_config import load_repo_config
from psycopg import sql

from feature_repo.configuration import template
from features.servers import reachable
from features.tables import Table
from lifecycle.errors import DataError, Unsupported
from lifecycle.home import Home

Connection = psycopg.Connection[Any]

# "onramp" in ASCII: names our lock among the advisory locks of the database.
LOCK = 0x6F6E72616D70

ROWS_AT_ONCE = 20_000
NAME_BYTES = 63

NOTES = """
CREATE TABLE IF NOT EXISTS onramp_parts (
    table_name text NOT NULL,
    part text NOT NULL,
    rows bigint NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (table_name, part)
)
"""


def name_of(table: Table) -> str:
    """The table's name in PostgreSQL."""
    return f"{table.view}_{table.folder.name}"


def load_table(db: Connection, table: Table) -> list[int]:
    """Bring in the parts that the table lacks; returns the new rows of each."""
    create(db, table)
    loaded = reload(db, table) or [load_part(db, table, part) for part in lacking(db, table)]
    if loaded:
        # The planner takes a table that it knows nothing of for a small one.
        db.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name_of(table))))
        db.commit()
    return loaded


def reload(db: Connection, table: Table) -> list[int]:
    """Load a table anew if a part was written anew since it was loaded; else do nothing.

    One transaction: whoever reads meanwhile waits, and a kill leaves the old rows.

    Returns:
        The rows of each part; nothing where nothing was to be done.
    """
    with db.transaction():
        one_at_a_time(db)
        known = noted(db, table)
        names = {file_of(note) for note in known}
        parts = table.parts()
        if not any(note_of(part) not in known and part.name in names for part in parts):
            return []
        db.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(name_of(table))))
        db.execute("DELETE FROM onramp_parts WHERE table_name = %s", [name_of(table)])
        return [load_part(db, table, part) for part in parts]


@contextmanager
def connected(home: Home) -> Iterator[Connection]:
    """A connection to the offline store of the configuration that is to be applied."""
    path = template(home)
    with reachable(path):
        config = load_repo_config(home.feast, path)
        with _get_conn(config.offline_store) as db:
            yield db


def create(db: Connection, table: Table) -> None:
    """Make the table and the notes, where they are not."""
    long = [name for name in table.schema.names if len(name.encode()) > NAME_BYTES]
    if long:
        raise Unsupported(
            "PostgreSQL cuts names after 63 bytes, and then cannot tell features apart.",
            found=f"Longer: {', '.join(long)}.",
            do="Rename the words that they are made of in the data set's TOML file.",
        )
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(kind_of(field.type)))
        for field in table.schema
    )
    name = name_of(table)
    one_at_a_time(db)
    db.execute(NOTES)
    db.execute(
        sql.SQL(
            "CREATE TABLE IF NOT EXISTS {} ({}, "
            "PRIMARY KEY (customer_id, event_timestamp, created_at))"
        ).format(sql.Identifier(name), columns)
    )
    # Parts come in the order of time, so a few blocks' ranges find the days of a load.
    db.execute(
        sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} USING brin (event_timestamp)").format(
            sql.Identifier(f"{table.folder.name}_{table.view}_days"), sql.Identifier(name)
        )
    )
    db.commit()


def kind_of(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "timestamptz"
    # Byte order for ids: the same on every server, and quick.
    return "double precision" if pa.types.is_floating(kind) else 'text COLLATE "C"'


def one_at_a_time(db: Connection) -> None:
    """Wait for another loader's transaction; ours ends the lock."""
    db.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def lacking(db: Connection, table: Table) -> list[Path]:
    """The parts that are not noted."""
    known = noted(db, table)
    db.commit()
    return [part for part in table.parts() if note_of(part) not in known]


def noted(db: Connection, table: Table) -> set[str]:
    found = db.execute("SELECT part FROM onramp_parts WHERE table_name = %s", [name_of(table)])
    return {row[0] for row in found}


def note_of(part: Path) -> str:
    """Names a part and its content: a part that is written anew is another."""
    facts = part.stat()
    return f"{part.name} {facts.st_size} {facts.st_mtime_ns}"


def file_of(note: str) -> str:
    """The part's name in a note; older notes are but the name."""
    return note.rsplit(" ", 2)[0]


def load_part(db: Connection, table: Table, part: Path) -> int:
    """Copy one part and note it, or neither; returns the rows that were new."""
    name, note = sql.Identifier(name_of(table)), note_of(part)
    with db.transaction():
        one_at_a_time(db)
        if note in noted(db, table):
            return 0
        db.execute(sql.SQL("CREATE TEMP TABLE arriving (LIKE {}) ON COMMIT DROP").format(name))
        copy(db, table, part)
        rows = db.execute(
            sql.SQL("INSERT INTO {} SELECT * FROM arriving ON CONFLICT DO NOTHING").format(name)
        ).rowcount
        db.execute(
            "INSERT INTO onramp_parts (table_name, part, rows) VALUES (%s, %s, %s)",
            [name_of(table), note, rows],
        )
        # A reload brings many parts in one transaction.
        db.execute("DROP TABLE arriving")
    return rows


def copy(db: Connection, table: Table, part: Path) -> None:
    """Stream a part's rows, a bounded number at a time."""
    columns = sql.SQL(", ").join(map(sql.Identifier, table.schema.names))
    query = sql.SQL("COPY arriving ({}) FROM STDIN (FORMAT csv)").format(columns)
    options = pyarrow.csv.WriteOptions(include_header=False)
    try:
        with db.cursor() as cursor, cursor.copy(query) as into:
            for batch in pq.ParquetFile(part).iter_batches(
                batch_size=ROWS_AT_ONCE, columns=table.schema.names
            ):
                lines = io.BytesIO()
                pyarrow.csv.write_csv(batch, lines, options)
                into.write(lines.getvalue())
    except psycopg.errors.CharacterNotInRepertoire as error:
        raise DataError(
            f"{part} holds text that PostgreSQL cannot.",
            found=f"{error.diag.message_primary}.",
            do="Clean the column in the source, or keep the embedded offline store.",
        ) from error


def rows_of(db: Connection, table: Table) -> int:
    found = db.execute(
        "SELECT coalesce(sum(rows), 0)::bigint FROM onramp_parts WHERE table_name = %s",
        [name_of(table)],
    ).fetchone()
    return int(found[0]) if found else 0


def drop_others(db: Connection, keep: Sequence[Table]) -> tuple[str, ...]:
    """Drop the tables that we made of other definitions, and their notes."""
    wanted = [name_of(table) for table in keep]
    one_at_a_time(db)
    db.execute(NOTES)
    found = db.execute(
        "SELECT DISTINCT table_name FROM onramp_parts WHERE table_name <> ALL(%s)"
        " ORDER BY table_name",
        [wanted],
    ).fetchall()
    gone = tuple(str(row[0]) for row in found)
    for name in gone:
        db.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))
    db.execute("DELETE FROM onramp_parts WHERE table_name = ANY(%s)", [list(gone)])
    db.commit()
    return gone
