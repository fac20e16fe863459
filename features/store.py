"""Features at a moment (offline) and features now (online), both out of Feast.

One rule for both: a customer has features when a row lies within `TTL` before the asked time.
Feast keeps that rule offline only; online it is kept here, by the moment that travels with the
row as a feature of its own (`Table.marker`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
from feast.types import String

from features.clock import clock
from features.connection import config_file, current, find_service, forget_store, open_store
from features.feature import FeatureType
from features.materialization import MaterializeReport, materialize
from features.online_plan import plan_of
from features.online_row import OnlineRow, online_row
from features.servers import reachable
from features.tables import ARROW_TYPES, TIME
from lifecycle.errors import DataError
from lifecycle.home import Home
from lifecycle.prediction import Named

__all__ = [
    "MaterializeReport", "OnlineRow", "config_file", "definitions", "fingerprint", "forget_store",
    "historical", "materialize", "online", "open_store", "service_features", "service_types",
    "warm",
]  # fmt: skip

ROW = "entity_row"


def service_features(home: Home, service: str) -> tuple[str, ...]:
    """The service's features in the order in which models take them."""
    found = find_service(home, service)
    return tuple(
        feature.name for part in found.feature_view_projections for feature in part.features
    )


def service_types(home: Home, service: str) -> Mapping[str, FeatureType]:
    """Feature → type, in service order, as Feast was told; segments are told to Feast too.

    Raises:
        NotReady: Feast was told of other definitions.
    """
    current(home)
    parts = find_service(home, service).feature_view_projections
    return {
        feature.name: "category" if feature.dtype == String else "number"
        for part in parts
        for feature in part.features
    }


def definitions(home: Home, service: str) -> Mapping[str, str]:
    """Feature → hash of what decides its values, as Feast was told of it.

    Raises:
        UnknownName: no service of that name.
        NotReady: nothing was applied yet.
    """
    return plan_of(home, service).definitions


def fingerprint(home: Home, service: str) -> str:
    """Names a service by its features' order, names, types and definitions."""
    known = {feature.name: feature for table in current(home) for feature in table.features}
    facts = [
        (name, known[name].type, known[name].definition) for name in service_features(home, service)
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def historical(home: Home, service: str, entities: pd.DataFrame) -> pa.Table:
    """The service's features of each (customer, moment), of what was received by the moment.

    Args:
        home: with applied features.
        service: a task's name.
        entities: customer_id, event_timestamp (aware); may hold doubles, in any order.

    Returns:
        One row for each row of `entities`, in its order: customer_id, event_timestamp, then the
        features as doubles and strings; null where no row lies within `TTL`.

    Raises:
        DataError: a moment without time zone, or Feast lost rows.
    """
    found = find_service(home, service)
    schema = historical_schema(home, service)
    if entities.empty:
        return schema.empty_table()
    if not isinstance(entities["event_timestamp"].dtype, pd.DatetimeTZDtype):
        raise DataError(
            "A moment needs a time zone.",
            found=f"event_timestamp is {entities['event_timestamp'].dtype}.",
            do="Give times in UTC: `.dt.tz_localize('UTC')`.",
        )
    frame = pd.DataFrame(
        {
            "customer_id": entities["customer_id"].astype(str).to_numpy(),
            "event_timestamp": moments_of(entities),
            ROW: np.arange(len(entities)),
        }
    )
    with reachable(config_file(home)):
        job = open_store(home).get_historical_features(
            entity_df=frame, features=found, filter_by_created_timestamp=True
        )
        table = in_order(job.to_arrow())
    if table.num_rows != len(entities):
        raise DataError(
            "Feast did not return one row for each moment.",
            found=f"{len(entities)} asked, {table.num_rows} returned.",
            do="Build the features again.",
        )
    return table.select(schema.names).cast(schema).replace_schema_metadata(None)


def in_order(table: pa.Table) -> pa.Table:
    """As asked: our offline store keeps the order, others need not."""
    numbers = table[ROW].to_numpy()
    return table if (np.diff(numbers) > 0).all() else table.sort_by(ROW)


def historical_schema(home: Home, service: str) -> pa.Schema:
    types = service_types(home, service)
    features = [(name, ARROW_TYPES[kind]) for name, kind in types.items()]
    return pa.schema([("customer_id", pa.string()), ("event_timestamp", TIME), *features])


def moments_of(entities: pd.DataFrame) -> pd.DatetimeIndex:
    """In UTC and microseconds: Feast's own stores fail on nanoseconds."""
    return pd.DatetimeIndex(entities["event_timestamp"]).tz_convert("UTC").as_unit("us")


def online(
    home: Home, service: str, customer_ids: Sequence[str], *, now: datetime | None = None
) -> tuple[OnlineRow, ...]:
    """What the online store knows of customers, in the order asked.

    Args:
        home: with materialized features.
        service: a task's name.
        customer_ids: whoever is asked for; nobody need be known.
        now: rows older than `TTL` before it are stale; by default now on the data set's clock.

    Raises:
        UnknownName: no service of that name.
        NotReady: nothing was applied yet. (Nothing materialized: everybody is unknown.)
    """
    plan = plan_of(home, service)
    now = now or clock(home)
    return tuple(
        online_row(customer_id, Named(plan.places, values), moments, now)
        for customer_id, (values, moments) in zip(
            customer_ids, plan.reader.read(customer_ids) if customer_ids else (), strict=True
        )
    )


def warm(home: Home, service: str) -> None:
    """Pay for the first read, some hundred milliseconds, before a customer does."""
    online(home, service, ["nobody"])
