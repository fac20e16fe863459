"""What Feast alone does with raw events at many moments: the last event of each, no window.

Feast 0.67 registers aggregations, and says of them: "Feast-handled aggregations are not yet
supported". Its local engine drops their windows and groups by customer without the moment; Spark
would do tumbling windows, which are not the windows before a moment. So no statement of windowed
features at given moments exists in Feast alone, and what can be timed is the point-in-time join
that somebody would build it upon.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64, String

from lifecycle.home import Home


def last_event(home: Home, moments: Path, out: Path) -> None:
    """Through Feast's duckdb offline store, which is its right and quick one."""
    source = FileSource(
        path=str(home.events / "*.parquet"), timestamp_field="occurred_at",
        created_timestamp_column="received_at",
    )  # fmt: skip
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    view = FeatureView(
        name="events", entities=[customer], ttl=timedelta(days=30), source=source, online=False,
        schema=[Field(name="event", dtype=String), Field(name="value", dtype=Float64)],
    )  # fmt: skip
    store = FeatureStore(
        config=RepoConfig(
            project="bench", provider="local", registry=str(out.with_name("registry.db")),
            offline_store={"type": "duckdb"}, entity_key_serialization_version=3,
        )
    )  # fmt: skip
    store.apply([customer, view])
    asked = pd.read_parquet(moments)
    found = store.get_historical_features(
        entity_df=asked, features=["events:event", "events:value"]
    )
    pq.write_table(found.to_arrow(), out)
