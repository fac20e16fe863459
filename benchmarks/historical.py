"""Training sets: our point-in-time join through Feast beside joins by hand and Feast's own stores.

Run: python benchmarks/historical.py [entity rows] [feature rows] [columns] [peer …]

Every peer joins the same entity rows with the same parts in a process of its own. The world has
rows that come late and equal event times of which the row created last counts. Peers named
`known` leave out what was created after the moment; a join by hand cannot say that. The join is
timed apart from the process, in which `import feast` alone takes seconds. Equality is checked cell
by cell against Feast's duckdb store. Feast's default store, `feast dask`, runs only when named: at
200,000 × 3,000,000 it needs more than 8 GB.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measure import Taken, measure

DAYS = 30
DAY = 86_400_000_000
START = 1_767_225_600_000_000  # 2026-01-01, microseconds
TIME = pa.timestamp("us", tz="UTC")
PART = 100_000
ON_TIME = 0.9
MISSING = 0.05

ASOF = """
SELECT e.*, f.* EXCLUDE (customer_id, event_timestamp, created_at)
FROM read_parquet('{folder}/entities.parquet') e ASOF LEFT JOIN ({features}) f
  ON e.customer_id = f.customer_id AND e.event_timestamp >= f.event_timestamp"""

LAST_CREATED = """
SELECT * FROM {parts} QUALIFY row_number() OVER (
  PARTITION BY customer_id, event_timestamp ORDER BY created_at DESC) = 1"""


def world(folder: Path, entities: int, rows: int, columns: int) -> None:
    """Write parts and entity rows: 30 rows a customer, 1 % twin times, 10 % late."""
    rng = np.random.default_rng(0)
    customers = max(1, rows // DAYS)
    (folder / "parts").mkdir()
    for start in range(0, rows, PART):
        size = min(PART, rows - start)
        who = rng.integers(0, customers, size)
        when = START + rng.integers(0, DAYS * DAY * PART // rows, size) + start * DAYS * DAY // rows
        twins = size // 100 * 2
        who[1:twins:2], when[1:twins:2] = who[0:twins:2], when[0:twins:2]
        created = when + np.where(rng.random(size) < ON_TIME, 0, rng.integers(0, 3 * DAY, size))
        created[1:twins:2] += 1 + created[0:twins:2] - when[0:twins:2]
        made = {
            "customer_id": names(who),
            "event_timestamp": pa.array(when, TIME),
            "created_at": pa.array(created, TIME),
        }
        for number in range(columns):
            values = rng.poisson(3, size) * 1.0 if number % 2 else rng.normal(size=size).round(3)
            made[f"f{number}"] = pa.array(values, mask=rng.random(size) < MISSING)
        part = folder / "parts" / f"{start:09d}.parquet"
        pq.write_table(pa.table(made), part, compression="zstd", row_group_size=PART)
    asked = {
        "n": pa.array(np.arange(entities)),
        "customer_id": names(rng.integers(0, customers * 1.01, entities)),
        "event_timestamp": pa.array(START + rng.integers(0, (DAYS + 1) * DAY, entities), TIME),
    }
    pq.write_table(pa.table(asked), folder / "entities.parquet")


def names(numbers: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(np.char.add("customer ", numbers.astype("U9")))


def parts(folder: Path) -> str:
    return f"read_parquet('{folder}/parts/*.parquet')"


def by_hand(folder: Path, features: str) -> Callable[[], pa.Table]:
    def run() -> pa.Table:
        with duckdb.connect() as db:
            return db.sql(ASOF.format(folder=folder, features=features)).to_arrow_table()

    return run


def by_polars(folder: Path) -> Callable[[], pa.Table]:
    def run() -> pa.Table:
        keys = ["customer_id", "event_timestamp"]
        features = pl.scan_parquet(folder / "parts" / "*.parquet").sort(
            "event_timestamp", "created_at"
        )
        features = features.unique(keys, keep="last", maintain_order=True).drop("created_at")
        asked = pl.scan_parquet(folder / "entities.parquet").sort("event_timestamp")
        joined = asked.join_asof(features, on="event_timestamp", by="customer_id")
        return joined.collect().to_arrow()

    return run


def by_pandas(folder: Path) -> Callable[[], pa.Table]:
    def run() -> pa.Table:
        features = pd.read_parquet(folder / "parts").sort_values(["event_timestamp", "created_at"])
        features = features.drop_duplicates(["customer_id", "event_timestamp"], keep="last")
        asked = pd.read_parquet(folder / "entities.parquet").sort_values("event_timestamp")
        joined = pd.merge_asof(
            asked, features.drop(columns="created_at"), on="event_timestamp", by="customer_id"
        )
        return pa.Table.from_pandas(joined, preserve_index=False)

    return run


def by_feast(folder: Path, store: str, *, known: bool) -> Callable[[], pa.Table]:
    # Four seconds that other peers need not wait for.
    from feast import (  # noqa: PLC0415 - see above
        Entity,
        FeatureStore,
        FeatureView,
        Field,
        FileSource,
        RepoConfig,
        ValueType,
    )  # fmt: skip
    from feast.data_format import ParquetFormat  # noqa: PLC0415 - see above
    from feast.types import Float64  # noqa: PLC0415 - see above

    state = Path(tempfile.mkdtemp(dir=folder))
    config = RepoConfig(
        project="historical", provider="local", registry=str(state / "registry.db"),
        offline_store={"type": store}, online_store={"path": str(state / "online.db")},
        entity_key_serialization_version=3,
    )  # fmt: skip
    feast = FeatureStore(config=config)
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    source = FileSource(
        path=str(folder / "parts" / "*.parquet") if store != "dask" else str(folder / "parts"),
        file_format=ParquetFormat(), timestamp_field="event_timestamp",
        created_timestamp_column="created_at",
    )  # fmt: skip
    features = columns_of(pq.read_schema(next((folder / "parts").iterdir())).empty_table())
    schema = [Field(name=name, dtype=Float64) for name in features]
    view = FeatureView(name="view", entities=[customer], source=source, schema=schema)
    feast.apply([customer, view])
    references = [f"view:{name}" for name in features]
    asked = pd.read_parquet(folder / "entities.parquet")
    return lambda: feast.get_historical_features(
        entity_df=asked, features=references, filter_by_created_timestamp=known
    ).to_arrow()


OURS = "features.offline_store.AsOfOfflineStore"
PEERS: dict[str, Callable[[Path], Callable[[], pa.Table]]] = {
    "asof by chance": lambda folder: by_hand(folder, f"SELECT * FROM {parts(folder)}"),
    "asof": lambda folder: by_hand(folder, LAST_CREATED.format(parts=parts(folder))),
    "onramp": lambda folder: by_feast(folder, OURS, known=False),
    "feast duckdb": lambda folder: by_feast(folder, "duckdb", known=False),
    "polars": by_polars,
    "pandas": by_pandas,
    "onramp known": lambda folder: by_feast(folder, OURS, known=True),
    "feast duckdb known": lambda folder: by_feast(folder, "duckdb", known=True),
    "feast dask": lambda folder: by_feast(folder, "dask", known=False),
}  # fmt: skip


def peer(name: str, folder: Path) -> None:
    """Join as one peer does, say what the join took and leave its rows."""
    ready = PEERS[name](folder)
    wall, cpu = time.perf_counter(), time.process_time()
    found = ready()
    said = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    pq.write_table(found, folder / f"{name}.parquet")
    print(json.dumps(said))


def wrong_cells(folder: Path, name: str) -> int:
    """How many cells differ from those of Feast's duckdb store."""
    truth = "feast duckdb known" if name.endswith("known") else "feast duckdb"
    mine, right = (pq.read_table(folder / f"{one}.parquet").sort_by("n") for one in (name, truth))
    if mine.num_rows != right.num_rows:
        return max(mine.num_rows, right.num_rows) * len(columns_of(right))
    return sum(differing(mine[column], right[column]) for column in columns_of(right))


def columns_of(table: pa.Table) -> list[str]:
    return [name for name in table.column_names if name.startswith("f")]


def differing(one: pa.ChunkedArray, other: pa.ChunkedArray) -> int:
    values, others = (np.asarray(side.to_numpy(), dtype=np.float64) for side in (one, other))
    return int(np.sum(~((values == others) | (np.isnan(values) & np.isnan(others)))))


def show(taken: dict[str, Taken], wrong: dict[str, Any]) -> None:
    """Print one line a peer; the ratio is of CPU seconds of the join, to the join by hand."""
    floor = taken["asof by chance"].said["cpu"] if "asof by chance" in taken else float("nan")
    print(f"{'':20}{'join s':>8}{'CPU s':>8}{'ratio':>7}{'process s':>11}{'CPU s':>8}"
          f"{'peak MiB':>10}{'wrong cells':>13}")  # fmt: skip
    for name, one in taken.items():
        print(
            f"{name:20}{one.said['seconds']:8.2f}{one.said['cpu']:8.2f}"
            f"{one.said['cpu'] / floor:7.2f}{one.seconds:11.2f}{one.cpu:8.2f}"
            f"{one.peak_mib:10.0f}{wrong[name]:>13,}"
        )


def main() -> None:
    """Print a line for each peer."""
    if sys.argv[1:2] == ["peer"]:
        peer(sys.argv[2], Path(sys.argv[3]))
        return
    sizes = [int(word) for word in sys.argv[1:4] if word.isdigit()]
    entities, rows, columns = [*sizes, *(20_000, 300_000, 30)[len(sizes) :]]
    named = sys.argv[len(sizes) + 1 :] or [name for name in PEERS if name != "feast dask"]
    print(f"{entities:,} entity rows, {rows:,} feature rows of {columns} columns")
    with tempfile.TemporaryDirectory() as folder:
        world(Path(folder), entities, rows, columns)
        taken = {name: measure("-W", "ignore", __file__, "peer", name, folder) for name in named}
        wrong = {name: wrong_cells(Path(folder), name) for name in named}
    show(taken, wrong)


if __name__ == "__main__":
    main()
