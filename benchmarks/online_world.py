"""Customers with features, as Parquet parts and as Feast's views over a chosen online store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from feast import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    ValueType,
)
from feast.types import Float64, String

from lifecycle.home import Home, open_home

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
START, END = MOMENT - timedelta(days=1), MOMENT + timedelta(days=1)
PART = 100_000
WORDS = ["de", "fr", "it", "es", None]
PROFILE = 5
SERVICE = "all"

View = Mapping[str, str]


def views(features: int) -> dict[str, View]:
    """View → feature → kind: all but five of the features are behaviour; two are categories."""
    behaviour = {f"count_{n}": "number" for n in range(features - PROFILE - 1)}
    profile = {f"fact_{n}": "number" for n in range(PROFILE - 1)}
    return {
        "behaviour": {**behaviour, "favourite": "category"},
        "profile": {**profile, "country": "category"},
    }


def name_of(number: int) -> str:
    return f"customer-{number:08d}"


def write(folder: Path, customers: int, features: int) -> None:
    """Write the parts below `folder/<view>/parts`; one value in eight is missing."""
    rng = np.random.default_rng(0)
    for view, fields in views(features).items():
        (folder / view / "parts").mkdir(parents=True)
        for first in range(0, customers, PART):
            table = part(rng, view, fields, range(first, min(first + PART, customers)))
            path = folder / view / "parts" / f"{first:08d}.parquet"
            pq.write_table(table, path, compression="zstd", row_group_size=PART)


def part(rng: np.random.Generator, view: str, fields: View, who: range) -> pa.Table:
    """One row a customer, all within a millisecond."""
    rows = len(who)
    moments = int(MOMENT.timestamp() * 1e6) + np.arange(rows) % 1000
    times = pa.array(moments, pa.timestamp("us", tz="UTC"))
    columns = {
        "customer_id": pa.array(list(map(name_of, who))), "event_timestamp": times,
        "created_at": times,
    }  # fmt: skip
    for field, kind in fields.items():
        columns[field] = (
            pa.array(rng.poisson(5, rows).astype(float), mask=rng.random(rows) < 1 / 8)
            if kind == "number"
            else pa.array(WORDS).take(pa.array(rng.integers(0, len(WORDS), rows)))
        )
    return pa.table({**columns, f"{view}_moment_00000000": pa.array(moments.astype(float))})


def home_of(root: Path, peer: str) -> Home:
    """A home for one peer, over the parts in `root/features`."""
    home = open_home(root / peer)
    if not home.feast.exists():
        home.feast.mkdir(parents=True)
        home.features.symlink_to(root / "features")
    return home


def connect(home: Home, features: int, online: Mapping[str, Any]) -> FeatureStore:
    """Feast over the home's parts and an online store, with one service of all features."""
    config = {
        "project": "bench",
        "provider": "local",
        "registry": {"registry_type": "sql", "path": f"sqlite:///{home.feast / 'registry.db'}"},
        "offline_store": {"type": "duckdb"},
        "online_store": dict(online),
        "materialization": {"pull_latest_features": True, "online_write_batch_size": 10_000},
        "entity_key_serialization_version": 3,
    }
    path = home.feast / "feature_store.yaml"
    new = not path.exists()
    path.write_text(json.dumps(config), encoding="utf-8")
    store = FeatureStore(fs_yaml_file=path)
    if new:
        customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
        known = views(features)
        made = [define(home, customer, *one) for one in known.items()]
        chosen = [view[list(known[view.name])] for view in made]
        store.apply([customer, *made, FeatureService(name=SERVICE, features=chosen)])
    return store


def define(home: Home, customer: Entity, name: str, fields: View) -> FeatureView:
    source = FileSource(
        name=f"{name}_parts", path=str(home.features / name / "parts" / "*.parquet"),
        timestamp_field="event_timestamp", created_timestamp_column="created_at",
    )  # fmt: skip
    return FeatureView(
        name=name, entities=[customer], ttl=timedelta(days=3), source=source,
        tags={"definition": "parts"},
        schema=[
            Field(name="customer_id", dtype=String),
            *(Field(name=f, dtype=Float64 if k == "number" else String) for f, k in fields.items()),
            Field(name=f"{name}_moment_00000000", dtype=Float64),
        ],
    )  # fmt: skip
