"""`onramp features build` beside a bare DuckDB statement, polars, pandas and Feast alone.

Everybody computes at the same training moments (five a customer) over the same Parquet, each in a
process of its own, and writes Parquet. The others are handed the moments and compute COMMON, 39
windowed counts and sums; ours finds the moments, computes the whole catalogue (91 columns,
sessions, recency and profiles included), checks it and remembers it. A sample of rows of each is
compared with ours, value by value.

Run: python benchmarks/features.py [events] [--world FOLDER] [--peers ours,floor,polars]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

# This file's own folder comes first on the path, and would hide the package of its name.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measure import Taken, measure
from benchmarks.world import world
from features.build import build
from features.gather import MEMORY
from features.moments import due_sql
from features.tables import tables
from lifecycle.event_store import EventStore
from lifecycle.home import Home, open_home
from lifecycle.sql import literal

DAYS = (1, 3, 7, 14, 30)
WINDOWS = (1, 7, 30)
EVENTS = (
    "login", "page_view", "video_play", "guide_open", "live_session_join", "article_read",
    "profile_completed", "first_project", "purchase", "support_ticket", "invite_sent",
)  # fmt: skip
COMMON = (
    *(f"count_{event}_{days}d" for event in EVENTS for days in WINDOWS),
    *(f"{name}_{days}d" for name in ("events", "value_sum") for days in WINDOWS),
)
DAY = 86_400_000_000
KEYS = ["customer_id", "event_timestamp"]
# Joining every event with every moment holds all of them in memory.
MOST = {"pandas": 6_000_000, "polars": 30_000_000, "feast": 2_000_000}
SAMPLE = 2_000


def floor(home: Home, out: Path) -> None:
    """The statement somebody writes who knows DuckDB and nothing of us."""
    counts = ", ".join(
        f"count(*) FILTER (event = '{event}' AND age < {days * DAY}) AS count_{event}_{days}d"
        for event in EVENTS
        for days in WINDOWS
    )
    sums = ", ".join(
        f"count(*) FILTER (age < {days * DAY}) AS events_{days}d,"
        f" coalesce(sum(value) FILTER (age < {days * DAY}), 0) AS value_sum_{days}d"
        for days in WINDOWS
    )
    with duckdb.connect() as db:
        db.execute(
            f"SET TimeZone = 'UTC'; SET memory_limit = '{MEMORY}';"
            f" SET temp_directory = {literal(str(out) + '.spill')};"
            " SET preserve_insertion_order = false"
        )
        db.execute(f"""
COPY (
  SELECT customer_id, event_timestamp, {counts}, {sums}
  FROM (
    SELECT m.customer_id, m.event_timestamp, e.event, e.value,
      epoch_us(m.event_timestamp) - epoch_us(e.occurred_at) AS age
    FROM read_parquet({literal(str(moments_file(out)))}) m
    LEFT JOIN read_parquet({literal(str(home.events / "*.parquet"))}) e
      ON e.customer_id = m.customer_id
      AND e.occurred_at <= m.event_timestamp AND e.received_at <= m.event_timestamp
      AND e.occurred_at > m.event_timestamp - INTERVAL 30 DAY
  ) GROUP BY customer_id, event_timestamp
) TO {literal(str(out))} (FORMAT parquet, COMPRESSION zstd)""")


def in_polars(home: Home, out: Path) -> None:
    """Lazy, by the streaming engine."""
    asked = pl.scan_parquet(moments_file(out)).select(KEYS)
    age = pl.col("event_timestamp") - pl.col("occurred_at")
    seen = (
        pl.scan_parquet(home.events / "*.parquet")
        .select("customer_id", "event", "occurred_at", "received_at", "value")
        .join(asked, on="customer_id")
        .filter(
            (pl.col("occurred_at") <= pl.col("event_timestamp"))
            & (pl.col("received_at") <= pl.col("event_timestamp"))
            & (age < timedelta(days=30))
        )
        .with_columns(age=age)
    )
    near = {days: pl.col("age") < timedelta(days=days) for days in WINDOWS}
    counts = [
        ((pl.col("event") == event) & near[days]).sum().alias(f"count_{event}_{days}d")
        for event in EVENTS
        for days in WINDOWS
    ]
    totals = [near[days].sum().alias(f"events_{days}d") for days in WINDOWS]
    sums = [
        pl.col("value").filter(near[days]).sum().alias(f"value_sum_{days}d") for days in WINDOWS
    ]
    found = seen.group_by(KEYS).agg(*counts, *totals, *sums)
    asked.join(found, on=KEYS, how="left").with_columns(
        pl.col(COMMON).cast(pl.Float64).fill_null(0.0)
    ).sink_parquet(out)


def in_pandas(home: Home, out: Path) -> None:
    """Merge, then a group-by a window."""
    asked = pd.read_parquet(moments_file(out), columns=KEYS).reset_index(names="k")
    events = pd.concat(
        pd.read_parquet(
            part, columns=["customer_id", "event", "occurred_at", "received_at", "value"]
        )
        for part in sorted(home.events.glob("*.parquet"))
    )
    events["event"] = events["event"].astype("category")
    seen = asked.merge(events, on="customer_id")
    del events
    age = seen["event_timestamp"] - seen["occurred_at"]
    known = (age >= pd.Timedelta(0)) & (seen["received_at"] <= seen["event_timestamp"])
    seen = seen.assign(age=age)[known & (age < pd.Timedelta(days=30))]
    for days in WINDOWS:
        near = seen[seen["age"] < pd.Timedelta(days=days)]
        counts = near.groupby(["k", "event"], observed=False).size().unstack(fill_value=0)  # noqa: PD010 - of a series, there is no other
        for event in EVENTS:
            asked[f"count_{event}_{days}d"] = counts[event].reindex(asked["k"], fill_value=0)
        by_moment = near.groupby("k")
        asked[f"events_{days}d"] = by_moment.size().reindex(asked["k"], fill_value=0)
        asked[f"value_sum_{days}d"] = by_moment["value"].sum().reindex(asked["k"], fill_value=0.0)
    asked.drop(columns="k").to_parquet(out)


PEERS = {"floor": floor, "polars": in_polars, "pandas": in_pandas}


def moments_file(out: Path) -> Path:
    return out.with_name("moments.parquet")


def write_moments(home: Home, as_of: datetime, out: Path) -> int:
    """The training moments that are due, for the peers, who need not find them."""
    dataset = home.dataset()
    with EventStore(home).connect(dataset) as db:
        [(rows,)] = db.execute(
            "COPY (SELECT customer_id, timezone('UTC', event_timestamp) AS event_timestamp"
            f" FROM ({due_sql(dataset, DAYS, as_of)})) TO {literal(str(moments_file(out)))}"
            " (FORMAT parquet)"
        ).fetchall()
    return int(rows)


def ours(home: Home, as_of: datetime, *, snapshot: bool) -> dict[str, int]:
    report = build(home, moments_days=DAYS, as_of=as_of, snapshot=snapshot)
    return {
        "rows": report.views[0].built,
        "columns": sum(view.features for view in report.views),
        "parts": sum(view.parts for view in report.views),
    }


def differing(home: Home, out: Path) -> float:
    """How many of a sample of a peer's rows differ from ours in any common column."""
    table = tables(home, home.dataset())[0]
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        columns = ", ".join(COMMON)
        theirs = f"SELECT {', '.join(KEYS)}, {columns} FROM read_parquet({literal(str(out))})"
        sampled = db.sql(
            f"SELECT * FROM ({theirs} ORDER BY hash(customer_id, event_timestamp) LIMIT {SAMPLE})"
            f" ORDER BY {', '.join(KEYS)}"
        ).to_arrow_table()
        db.register("sampled", sampled)
        own = db.sql(
            f"SELECT {', '.join(KEYS)}, {columns} FROM read_parquet({literal(table.pattern)})"
            f" SEMI JOIN sampled USING ({', '.join(KEYS)}) ORDER BY {', '.join(KEYS)}"
        ).to_arrow_table()
    if own.num_rows != sampled.num_rows:
        return float(sampled.num_rows - own.num_rows)
    return float(np.sum(~np.all(np.isclose(numbers(sampled), numbers(own), atol=1e-6), axis=1)))


def numbers(table: pa.Table) -> np.ndarray:
    return np.column_stack([table[name].to_numpy().astype(np.float64) for name in COMMON])


def job(name: str, root: Path, out: Path, as_of: str, snapshot: str) -> None:
    """One measured process; says what it did in JSON on its last line."""
    home = open_home(root)
    if name == "ours":
        done = ours(home, datetime.fromisoformat(as_of), snapshot=snapshot == "snapshot")
        print(json.dumps(done))
    elif name == "feast":
        from benchmarks.features_feast import last_event  # noqa: PLC0415 - takes 4 s to import

        last_event(home, moments_file(out), out)
    else:
        PEERS[name](home, out)


def run(name: str, home: Home, out: Path, as_of: datetime, snapshot: str = "") -> Taken:
    return measure(__file__, "--job", name, str(home.root), str(out), as_of.isoformat(), snapshot)


def line(name: str, taken: Taken, events: int, columns: str, against: float) -> None:
    ratio = f"{taken.seconds / against:8.3f}" if against else " " * 8
    print(
        f"{name:44} {columns:>7} {taken.seconds:9.1f} {taken.cpu:9.1f}"
        f" {events / taken.seconds:12,.0f} {taken.peak_mib:9,.0f} {ratio}",
        flush=True,
    )


def ours_lines(
    home: Home, folder: Path, events: int, base: float, end: datetime
) -> dict[tuple[str, str], Taken]:
    """A full build until the day before the last, then the last day, with and without snapshot."""
    taken = {}
    for snapshot in ("snapshot", ""):
        shutil.rmtree(home.features, ignore_errors=True)
        words = ", with everybody onboarding" if snapshot else ""
        for kind, as_of in (("full", end - timedelta(days=1)), ("a day", end)):
            one = run("ours", home, folder / "ours", as_of, snapshot)
            taken[kind, snapshot] = one
            line(
                f"ours: {kind}{words} ({one.said['rows']:,.0f} rows)", one, events,
                f"{one.said['columns']:.0f}", base,
            )  # fmt: skip
    return taken


def compare(home: Home, folder: Path, peers: Sequence[str]) -> None:
    dataset, store = home.dataset(), EventStore(home)
    end = store.newest(dataset)
    full = end - timedelta(days=1)
    with store.connect(dataset) as db:
        found = db.execute(
            "SELECT count(*) FROM events WHERE received_at <= ?", [full.replace(tzinfo=None)]
        ).fetchone()
    events = int(found[0]) if found else 0
    moments = write_moments(home, full, folder / "x")
    print(f"{events:,} events, {moments:,} training moments, 99 days; then one day more\n")
    print(
        f"{'':44} {'columns':>7} {'seconds':>9} {'CPU s':>9} {'events/s':>12} {'peak MiB':>9}"
        f" {'× floor':>8}"
    )
    outs, base = {}, 0.0
    for name in (name for name in (*PEERS, "feast") if name in peers):
        if events > MOST.get(name, events):
            print(f"{name:44} not run: it would not fit memory at this size")
            continue
        outs[name] = folder / f"{name}.parquet"
        one = run(name, home, outs[name], full)
        base = one.seconds if name == "floor" else base
        columns = "2" if name == "feast" else str(len(COMMON))
        line({"feast": "feast: last event, no window"}.get(name, name), one, events, columns, base)
    if "ours" in peers:
        taken = ours_lines(home, folder, events, base, end)
        for snapshot, words in (("", "training moments"), ("snapshot", "with the snapshot")):
            share = taken["a day", snapshot].seconds / taken["full", snapshot].seconds
            print(f"\none day / full rebuild, {words}: {share:.1%}", end="")
        print()
        for name in (name for name in outs if name != "feast"):
            wrong = differing(home, outs[name])
            print(f"{name}: {wrong:.0f} of {SAMPLE:,} sampled rows differ from ours")


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["--job"]:
        name, root, out, as_of, snapshot = sys.argv[2:]
        job(name, Path(root), Path(out), as_of, snapshot)
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--world", type=Path, help="keeps the simulated events between runs")
    parser.add_argument("--peers", default="ours,floor,polars,pandas,feast")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = world(given.world or Path(folder), given.events)
        compare(home, Path(folder), given.peers.split(","))


if __name__ == "__main__":
    main()
