"""Three feature views with ties, late rows, gaps and field mapping, and who asks for them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.data_format import ParquetFormat
from feast.types import Float64, Int64, String

START = datetime(2026, 1, 1, tzinfo=UTC)
TIME = pa.timestamp("us", tz="UTC")
CUSTOMERS = ["a", "b", "ü", "日本", "c'\"d"]

customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)


def hours(number: float) -> datetime:
    return START + timedelta(microseconds=round(number * 3_600_000_000))


def source(folder: Path, name: str, **options: Any) -> FileSource:
    return FileSource(
        name=name, path=str(folder / name / "*.parquet"), file_format=ParquetFormat(), **options
    )


def rows_of(seed: int) -> pa.Table:
    """400 rows with ties, late ones and gaps; no two alike in customer, time and creation."""
    dice = random.Random(seed)  # noqa: S311 - dice, no secret
    keys: dict[tuple[str, datetime, datetime | None], None] = {}
    while len(keys) < 400:
        when = hours(dice.randint(0, 60))
        created = dice.choice([when, when + timedelta(hours=dice.randint(-2, 9)), None])
        keys[dice.choice(CUSTOMERS), when, created] = None
    who, times, created = zip(*keys, strict=True)
    return pa.table(
        {
            "customer_id": list(who),
            "happened": pa.array(times, TIME),
            "created_at": pa.array(created, TIME),
            "score": pa.array([dice.choice([None, dice.random()]) for _ in keys], pa.float64()),
            "whole": pa.array([dice.choice([None, 2**60 + n]) for n in range(400)], pa.int64()),
            "word": [dice.choice([None, "", "é"]) for _ in keys],
        }
    )


def write(folder: Path, name: str, table: pa.Table, parts: int) -> None:
    """The rows in several parts, in no order."""
    (folder / name).mkdir(parents=True)
    size = table.num_rows // parts + 1
    for number in range(parts):
        part = table.slice(number * size, size)
        pq.write_table(part, folder / name / f"{number}.parquet", row_group_size=20)


def views_of(folder: Path) -> list[FeatureView]:
    key = Field(name="customer_id", dtype=String)
    tied = [("score", Float64), ("whole", Int64), ("word", String)]
    return [
        FeatureView(
            name="tied", entities=[customer], ttl=timedelta(hours=4),
            schema=[key, *(Field(name=name, dtype=kind) for name, kind in tied)],
            source=source(
                folder, "tied", timestamp_field="happened", created_timestamp_column="created_at"
            ),
        ),
        FeatureView(
            name="mapped", entities=[customer], schema=[key, Field(name="points", dtype=Float64)],
            source=source(
                folder, "mapped", timestamp_field="happened", field_mapping={"raw score": "points"}
            ),
        ),
        FeatureView(
            name="world", schema=[Field(name="rate", dtype=Float64)],
            source=source(folder, "world", timestamp_field="at"),
        ),
    ]  # fmt: skip


def open_feast(state: Path, kind: str, objects: list[Any]) -> FeatureStore:
    state.mkdir()
    config = RepoConfig(
        project="toy", provider="local", registry=str(state / "registry.db"),
        offline_store={"type": kind}, online_store={"path": str(state / "online.db")},
        entity_key_serialization_version=3,
    )  # fmt: skip
    store = FeatureStore(config=config)
    store.apply([customer, *objects])
    return store


def asked(rows: int = 300) -> pd.DataFrame:
    """Entity rows in no order, strangers and twins among them, with a column of their own."""
    dice = random.Random(3)  # noqa: S311 - dice, no secret
    drawn = [(dice.choice([*CUSTOMERS, "x"]), hours(dice.randint(-2, 70))) for _ in range(rows)]
    drawn += drawn[:9]
    return pd.DataFrame(
        {
            "n": range(len(drawn)),
            "customer_id": [who for who, _ in drawn],
            "event_timestamp": pd.DatetimeIndex([when for _, when in drawn]).as_unit("us"),
        }
    )
