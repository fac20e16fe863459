"""The one file that reads Feast: features at a moment (offline) and features now (online).

One rule for both: a customer has features when a row lies within `TTL` before the asked time.
Feast keeps that rule offline only; online it is kept here, by the moment that travels with the
row as a feature of its own (`Table.marker`).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Literal

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from feast import FeatureService, FeatureStore, FeatureView
from feast.errors import FeatureServiceNotFoundException
from feast.feature_view import FeatureViewState

from features.clock import Stamp, changed_at, clock
from features.online_row import OnlineRow, Value, columns_of, online_row
from features.tables import ARROW_TYPES, TIME, TTL, Table, tables
from lifecycle.errors import DataError, NotReady, UnknownName, UsageError
from lifecycle.home import Home
from lifecycle.sql import literal

ROW = "entity_row"
# States in which Feast answers; a view that was never materialized is in another.
SERVED = (
    FeatureViewState.STATE_UNSPECIFIED,
    FeatureViewState.AVAILABLE_ONLINE,
    FeatureViewState.MATERIALIZING,
)

_stores: dict[Path, FeatureStore] = {}
_plans: dict[tuple[Path, str], Plan] = {}


@dataclass(frozen=True, kw_only=True)
class MaterializeReport:
    """What went to the online store.

    Attributes:
        start, end: moments in between, both inclusive; older ones would be stale.
        rows: view → customers loaded.
    """

    start: datetime
    end: datetime
    rows: Mapping[str, int]
    seconds: float

    def lines(self) -> list[str]:
        """What a person reads."""
        loaded = ", ".join(f"{view} {rows:,}" for view, rows in self.rows.items())
        return [f"online store: customers loaded into {loaded} ({self.seconds:.1f} s)"]


def config_file(home: Home) -> Path:
    """Feast's configuration of the home."""
    return home.feast / "feature_store.yaml"


def open_store(home: Home) -> FeatureStore:
    """The home's Feast store: one a process, because alternating two costs nine times as much.

    Raises:
        NotReady: nothing was applied yet.
    """
    if home.root not in _stores:
        _stores[home.root] = connect(home)
    return _stores[home.root]


def connect(home: Home) -> FeatureStore:
    path = config_file(home)
    if not path.exists():
        raise NotReady(
            f"Feast knows nothing of {home.root} yet.",
            found=f"No {path}.",
            do="Run `onramp features` first.",
        )
    return FeatureStore(fs_yaml_file=path)


def forget_store(home: Home) -> None:
    """Open anew next time: the configuration or the registry has changed."""
    _stores.pop(home.root, None)


def find_service(home: Home, service: str) -> FeatureService:
    """The feature service of a task.

    Raises:
        UnknownName: there is none of that name.
        NotReady: nothing was applied yet.
    """
    store = open_store(home)
    try:
        return store.get_feature_service(service, allow_cache=True)
    except FeatureServiceNotFoundException:
        known = [one.name for one in store.list_feature_services()]
    raise UnknownName("feature service", service, known)


def service_features(home: Home, service: str) -> tuple[str, ...]:
    """The service's features in the order in which models take them."""
    found = find_service(home, service)
    return tuple(
        feature.name for part in found.feature_view_projections for feature in part.features
    )


def service_types(home: Home, service: str) -> Mapping[str, Literal["number", "category"]]:
    """Feature → type, in service order."""
    known = {f.name: f.type for table in current(home) for f in table.features}
    return {name: known[name] for name in service_features(home, service)}


def current(home: Home) -> tuple[Table, ...]:
    """The tables as defined now.

    Raises:
        NotReady: Feast was told of other definitions.
    """
    found = tables(home, home.dataset())
    store = open_store(home)
    for table in found:
        applied = store.get_feature_view(table.view).tags.get("definition")
        if applied != table.folder.name:
            raise NotReady(
                f"Feast holds {table.view} by another definition.",
                found=f"Applied {applied}, now {table.folder.name}.",
                do="Run `onramp features` to build and apply it.",
            )
    return found


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
    job = open_store(home).get_historical_features(
        entity_df=frame, features=found, filter_by_created_timestamp=True
    )
    table = job.to_arrow().sort_by(ROW)
    if table.num_rows != len(entities):
        raise DataError(
            "Feast did not return one row for each moment.",
            found=f"{len(entities)} asked, {table.num_rows} returned.",
            do="Build the features again.",
        )
    return table.select(schema.names).cast(schema).replace_schema_metadata(None)


def historical_schema(home: Home, service: str) -> pa.Schema:
    types = service_types(home, service)
    features = [(name, ARROW_TYPES[kind]) for name, kind in types.items()]
    return pa.schema([("customer_id", pa.string()), ("event_timestamp", TIME), *features])


def moments_of(entities: pd.DataFrame) -> pd.DatetimeIndex:
    """In UTC and microseconds: Feast's duckdb store fails on nanoseconds."""
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
    nothing: dict[str, Value] = dict.fromkeys(plan.features)
    if not customer_ids or not plan.served:
        return tuple(online_row(customer_id, nothing, (), now) for customer_id in customer_ids)
    answer = open_store(home).get_online_features(
        features=list(plan.references),
        entity_rows=[{"customer_id": customer_id} for customer_id in customer_ids],
    )
    columns = columns_of(answer.proto)
    return tuple(
        online_row(
            customer_id,
            {name: columns[name][n] for name in plan.features},
            [columns[marker][n] for marker in plan.markers],
            now,
        )
        for n, customer_id in enumerate(customer_ids)
    )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one online read of a service asks Feast for: worked out once for each registry state.

    Feast rebuilds its objects from messages at every look into the registry, type-checked field
    by field: for 60 features that costs ten times the read itself.
    """

    stamp: Stamp
    features: tuple[str, ...]
    references: tuple[str, ...]
    markers: tuple[str, ...]
    served: bool


def plan_of(home: Home, service: str) -> Plan:
    stamp = changed_at(config_file(home), home.feast / "registry.db")
    key = (home.root, service)
    if key not in _plans or _plans[key].stamp != stamp:
        _plans[key] = make_plan(home, service, stamp)
    return _plans[key]


def make_plan(home: Home, service: str, stamp: Stamp) -> Plan:
    store = open_store(home)
    store.refresh_registry()
    parts = find_service(home, service).feature_view_projections
    views = [store.get_feature_view(part.name) for part in parts]
    pairs = [(part.name, feature.name) for part in parts for feature in part.features]
    markers = [(view.name, marker_of(view)) for view in views]
    return Plan(
        stamp=stamp,
        features=tuple(name for _, name in pairs),
        references=tuple(f"{view}:{name}" for view, name in (*pairs, *markers)),
        markers=tuple(name for _, name in markers),
        served=all(view.state in SERVED for view in views),
    )


def marker_of(view: FeatureView) -> str:
    """The applied view's marker column."""
    found: str = next(f.name for f in view.features if f.name.startswith(f"{view.name}_moment_"))
    return found


def warm(home: Home, service: str) -> None:
    """Pay for the first read, some hundred milliseconds, before a customer does."""
    online(home, service, ["nobody"])


def materialize(home: Home, end: datetime) -> MaterializeReport:
    """Load each customer's newest row by `end` into the online store.

    Rows older than `TTL` before `end` would be stale there and are left out.

    Raises:
        UsageError: a later time was materialized before: SQLite would take the older values.
    """
    began = time.perf_counter()
    built = current(home)
    # Its own store: the cached one would show readers of this process what is not committed.
    store = connect(home)
    end = end.astimezone(UTC)
    for table in built:
        refuse_older(store, table, end)
    start = end - TTL
    # Feast prints; what a command prints is its report.
    with redirect_stdout(StringIO()):
        store.materialize(start_date=start, end_date=end)
    open_store(home).refresh_registry()
    return MaterializeReport(
        start=start,
        end=end,
        rows={table.view: customers_between(table, start, end) for table in built},
        seconds=time.perf_counter() - began,
    )


def refuse_older(store: FeatureStore, table: Table, end: datetime) -> None:
    intervals = store.get_feature_view(table.view).materialization_intervals
    newest = max((until.astimezone(UTC) for _, until in intervals), default=end)
    if newest > end:
        raise UsageError(
            f"{table.view} was materialized until {newest:%Y-%m-%d %H:%M:%S} UTC.",
            found=f"Asked for {end:%Y-%m-%d %H:%M:%S}: older values would replace newer ones.",
            do="Name that time or a later one.",
        )


def customers_between(table: Table, start: datetime, end: datetime) -> int:
    files = ", ".join(literal(str(part)) for part in table.parts())
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        found = db.execute(
            f"SELECT count(DISTINCT customer_id) FROM read_parquet([{files}])"
            " WHERE event_timestamp BETWEEN ? AND ?",
            [start, end],
        ).fetchone()
    return int(found[0]) if found else 0
