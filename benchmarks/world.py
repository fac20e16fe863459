"""A large simulated event store, made once and kept: our simulator, many seeds, one history.

Each shard is one run of `onramp simulate` with its own seed, its ids prefixed by the shard; beyond
the eighth, a shard is an earlier one under other ids. The daily drops of all shards are cleaned as
ingestion cleans them (duplicates, unknown events and broken times go) and committed as one part a
day, in order of receipt, so that memory is bounded by one shard and one day.

Run: python benchmarks/world.py FOLDER [events]
"""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lifecycle.dataset import DataSet
from lifecycle.event_store import EventStore, Part
from lifecycle.home import Home, open_home
from lifecycle.sql import literal, literals
from simulator import simulate

DATASET = Path(__file__).parents[1] / "datasets" / "simulated.toml"
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 100

# What the simulator draws for a customer within the days, as measured; sizes are asked in events.
EVENTS_PER_CUSTOMER = 35.3
SHARD_CUSTOMERS = 60_000
# More than these are the same people again under other ids: drawing is most of the work.
DIFFERENT = 8


def world(folder: Path, events: int) -> Home:
    """A home with about `events` events of 100 days; one that is there is taken as it is."""
    home = open_home(folder / f"home-{events}")
    if EventStore(home).parts("events"):
        return home
    shutil.rmtree(home.root, ignore_errors=True)
    home.root.mkdir(parents=True)
    shutil.copy(DATASET, home.dataset_file)
    customers = max(1, round(events / EVENTS_PER_CUSTOMER))
    shards = -(-customers // SHARD_CUSTOMERS)
    drawn = folder / f"shards-{events}"
    for number in range(shards):
        share = customers // shards + (number < customers % shards)
        if number < DIFFERENT:
            draw(drawn / str(number), share, number)
        elif not (drawn / str(number)).exists():
            (drawn / str(number)).symlink_to(str(number % DIFFERENT))
    EventStore(home).commit([], merge(home, drawn))
    shutil.rmtree(drawn)
    return home


def draw(out: Path, customers: int, seed: int) -> None:
    """One shard; one that was drawn whole is taken as it is."""
    if (out / "truth" / "simulation.json").exists():
        return
    shutil.rmtree(out, ignore_errors=True)
    simulate(out, customers=customers, seed=seed, start=START, days=DAYS)


def merge(home: Home, drawn: Path) -> list[Part]:
    dataset = home.dataset()
    parts = []
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'; SET memory_limit = '2GiB'; SET threads = 2")
        for day in range(DAYS):
            name = f"{(START + timedelta(days=day)).date()}.parquet"
            parts += [
                write(db, home, "events", name, events_sql(drawn, name, dataset)),
                write(db, home, "customers", name, customers_sql(drawn, name)),
            ]
    return [part for part in parts if part.rows]


def write(db: duckdb.DuckDBPyConnection, home: Home, holds: str, name: str, query: str) -> Part:
    path = home.root / holds / name
    path.parent.mkdir(exist_ok=True)
    [(rows,)] = db.execute(
        f"COPY ({query} ORDER BY received_at) TO {literal(str(path))}"
        " (FORMAT parquet, COMPRESSION zstd)"
    ).fetchall()
    return Part(
        path=f"{holds}/{name}", holds="events" if holds == "events" else "customers", rows=rows
    )


def events_sql(drawn: Path, name: str, dataset: DataSet) -> str:
    """The sound rows of a day, each once."""
    first, last = literal(str(START)), literal(str(START + timedelta(days=DAYS)))
    return f"""
SELECT DISTINCT ON (event_id) {prefixed("event_id")}, {prefixed("customer_id")}, event,
  occurred_at, received_at, {prefixed("session_id")}, item, value
FROM ({shards_sql(drawn, "events", name)})
WHERE event IN ({literals(dataset.vocabulary.events)}) AND customer_id IS NOT NULL
  AND occurred_at BETWEEN TIMESTAMPTZ {first} AND least(received_at, TIMESTAMPTZ {last})"""


def customers_sql(drawn: Path, name: str) -> str:
    return f"""
SELECT * EXCLUDE (shard, filename) REPLACE ({prefixed("customer_id")})
FROM ({shards_sql(drawn, "customers", name)})"""


def prefixed(name: str) -> str:
    return f"shard || {name} AS {name}"


def shards_sql(drawn: Path, holds: str, name: str) -> str:
    return (
        "SELECT *, regexp_extract(filename, '/(\\d+)/[a-z]+/[^/]+$', 1) || '-' AS shard"
        f" FROM read_parquet({literal(str(drawn / '*' / holds / name))}, filename = true)"
    )


def main() -> None:
    """Make one and say what it holds."""
    folder, *events = sys.argv[1:]
    home = world(Path(folder), int(events[0]) if events else 1_000_000)
    with EventStore(home).connect(home.dataset()) as db:
        held = db.execute(
            "SELECT count(*), count(DISTINCT customer_id), min(received_at), max(received_at)"
            " FROM events"
        ).fetchone()
    print(home.root, held)


if __name__ == "__main__":
    main()
