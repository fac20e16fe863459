"""The point-in-time join of entity rows with the parts of feature views, in DuckDB.

First which row answers, decided on keys and times alone; then only those rows are fetched, by file
and row number. Against an as-of join of whole rows that spares sorting and copying every column
of every row that answers nobody. A part may be written anew under its name between the two, and a
row number then names another customer's row: so the files are looked at before and after, and
when one is another file than it was, both passes are made again.

A row answers an entity row of time t when its event time lies in [t - ttl, t] and, on demand, it
was created by t. Of several the newest event time wins, then what was created last, then what
lies last in the parts. Times count in whole microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.offline_store_sql import (
    ROW_BITS,
    History,
    Parts,
    fetch_sql,
    key_columns,
    moments_sql,
    paired_sql,
    read,
    scan_sql,
    sorted_sql,
)
from lifecycle.errors import Busy, NotReady
from lifecycle.sql import identifier, literal

Integers = npt.NDArray[np.int64]

# Whoever writes parts anew does so once each; more than this is no coincidence.
TRIES = 5


def go_on() -> None:
    """What happens between the two passes of a join: nothing."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How much of the machine a join may take, and how it joins.

    Attributes:
        memory_limit: as DuckDB takes it; beyond it goes to disk. The result comes on top.
        threads: None: all cores.
        paired: entity rows of one key up to which pairs are compared; above, rows are sorted.
            Measured on three million rows: sorting a row costs about 30 pairs.
    """

    memory_limit: str = "2GB"
    threads: int | None = None
    paired: int = 32

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with TemporaryDirectory(prefix="onramp-join-") as spilled, duckdb.connect() as db:
            db.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
            db.execute("SET preserve_insertion_order = false; SET parquet_metadata_cache = true")
            db.execute(f"SET temp_directory = {literal(spilled)}")
            db.execute(f"SET memory_limit = {literal(self.memory_limit)}")
            if self.threads:
                db.execute(f"SET threads = {int(self.threads)}")
            yield db


def join(
    engine: Engine,
    rows: pa.Table,
    times: pa.ChunkedArray,
    histories: Sequence[History],
    between: Callable[[], object] = go_on,
) -> pa.Table:
    """Entity rows with the features of each history, in the rows' order.

    Args:
        engine: what may be used of the machine.
        rows: the entity rows, at least the columns that the histories join by.
        times: their times, timestamp[us, UTC], shape (rows,).
        histories: no two with a feature of the same name.
        between: called between the two passes over a history's parts.

    Raises:
        NotReady: a history has no parts.
        Busy: a history's parts were written anew during each of `TRIES` attempts.
    """
    for history in histories:
        features = steady(engine, rows, times, history, between)
        for name in history.features:
            rows = rows.append_column(name, features[name])
    return rows


def steady(
    engine: Engine,
    rows: pa.Table,
    times: pa.ChunkedArray,
    history: History,
    between: Callable[[], object],
) -> pa.Table:
    """The features of one history, all out of files that stayed the same meanwhile."""
    for _ in range(TRIES):
        # A new database each time: it remembers nothing of the files as they were.
        with engine.connect() as db:
            parts = parts_of(db, history)
            seen = stamps(parts)
            try:
                ask(db, rows, times, history)
                numbers, refs = answers(db, engine, history, parts)
                between()
                found = fetch(db, history, parts, refs)
            except duckdb.Error:
                if stamps(parts) == seen:
                    raise
                continue
            if stamps(parts) == seen:
                places = placed(found["ref"].to_numpy(), numbers, refs, rows.num_rows)
                return found.take(places)
    raise Busy(
        f"The parts of the feature view {history.name} do not stay as they are.",
        found=f"They were written anew during each of {TRIES} attempts to read them.",
        do="Try again when `onramp features` has ended.",
    )


def stamps(parts: Parts) -> list[tuple[int, int, int] | None]:
    """What tells a file from another one under its name; None where no local file is."""
    return [stamp(Path(file)) for file in parts.files]


def stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def moments_between(
    engine: Engine, histories: Sequence[History], end: datetime, time: str
) -> pa.Table:
    """The moments that any of the histories holds from its `since` to `end`, in order."""
    with engine.connect() as db:
        held = " UNION ".join(
            moments_sql(history, parts_of(db, history), end, time) for history in histories
        )
        return db.sql(f"SELECT * FROM ({held}) ORDER BY ALL").to_arrow_table()


def parts_of(db: duckdb.DuckDBPyConnection, history: History) -> Parts:
    """The parts there are now; those that come later are not read."""
    found = db.execute("SELECT file FROM glob(?)", [history.pattern]).fetchall()
    if not found:
        raise NotReady(
            f"The feature view {history.name} has no parts.",
            found=f"No file at {history.pattern}.",
            do="Build its features first: `onramp features`.",
        )
    files = tuple(sorted(str(path) for (path,) in found))
    times = f"{identifier(history.time)}, {identifier(history.created or history.time)}"
    kinds = db.sql(f"SELECT {times} FROM {read(files)}").types
    return Parts(files, str(kinds[0]), str(kinds[1]))


def ask(
    db: duckdb.DuckDBPyConnection, rows: pa.Table, times: pa.ChunkedArray, history: History
) -> None:
    """Make the relation `asked`: keys k0, k1, …, time t in microseconds and number n.

    Without a time nothing can answer.
    """
    keys = [plain(rows[name]) for name in history.keys.values()]
    keys = keys or [pa.array(np.zeros(rows.num_rows, dtype=np.int8))]
    asked = {
        **dict(zip(key_columns(history), keys, strict=True)),
        "t": times.cast(pa.int64()),
        "n": pa.array(np.arange(rows.num_rows, dtype=np.int64)),
    }
    db.register("asked_rows", pa.table(asked))
    db.execute("CREATE OR REPLACE TEMP TABLE asked AS SELECT * FROM asked_rows WHERE t IS NOT NULL")


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A category of pandas' by its values: DuckDB would compare it as an enumeration."""
    is_dictionary = pa.types.is_dictionary(column.type)
    return column.cast(column.type.value_type) if is_dictionary else column


def answers(
    db: duckdb.DuckDBPyConnection, engine: Engine, history: History, parts: Parts
) -> tuple[Integers, Integers]:
    """Numbers of the entity rows that something answers, and where that lies."""
    by = ", ".join(key_columns(history))
    ((first, last, most),) = db.execute(
        "SELECT min(t), max(t), (SELECT max(c) FROM (SELECT count(*) AS c FROM asked"
        f" GROUP BY {by})) FROM asked"
    ).fetchall()
    if first is None:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    scanned = scan_sql(history, parts, first, last)
    ways = paired_sql if most <= engine.paired else sorted_sql
    found = db.execute(ways(history, scanned)).fetchnumpy()
    return np.asarray(found["n"], dtype=np.int64), np.asarray(found["ref"], dtype=np.int64)


def fetch(
    db: duckdb.DuckDBPyConnection, history: History, parts: Parts, refs: Integers
) -> pa.Table:
    """The features of the rows at `refs`, each row once, in any order, with their `ref`."""
    refs = np.unique(refs)
    # The first part decides the types when all are read; so it must here.
    files = np.union1d([0], refs >> ROW_BITS)
    db.register(
        "wanted",
        pa.table(
            {
                "ref": refs,
                "part": np.searchsorted(files, refs >> ROW_BITS),
                "line": refs & (2**ROW_BITS - 1),
            }
        ),
    )
    found = db.sql(fetch_sql(history, [parts.files[n] for n in files])).to_arrow_table()
    return found.combine_chunks()


def placed(there: Integers, numbers: Integers, refs: Integers, rows: int) -> pa.Array:
    """For each entity row, which of the fetched rows is its own; null when none is."""
    order = np.argsort(there)
    index, missing = np.zeros(rows, dtype=np.int64), np.ones(rows, dtype=np.bool_)
    index[numbers] = order[np.searchsorted(there[order], refs)]
    missing[numbers] = False
    return pa.array(index, mask=missing)
