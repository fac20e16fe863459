"""Two views over Feast's stores, without a home: what a store is told, and by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64, String

from features.online_layout import layout_of
from features.online_port import Answer, Asked, Batch, Layout, Loader, Reader, Rows
from features.online_time import micros_of
from features.tables import TIME, TTL

SQLITE = "features.online_sqlite.VectorSqliteOnlineStore"
REDIS = "features.online_redis.VectorRedisOnlineStore"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)

FIELDS: Mapping[str, Mapping[str, Any]] = {
    "behaviour": {"visits": Float64, "kind": String, "spent": Float64},
    "profile": {"country": String, "age": Float64},
}
TYPES = {Float64: pa.float64(), String: pa.string()}
# View → feature → value; a view that is left out has no row.
Known = Mapping[str, Mapping[str, Any]]


def whole(number: float) -> Known:
    """All of a customer in one version, so that a mixture of two shows."""
    return {
        "behaviour": {"visits": number, "kind": f"v{number:g}", "spent": -number},
        "profile": {"country": f"v{number:g}", "age": number},
    }


@dataclass(frozen=True)
class World:
    """One registry with two views, and a store that they lie in."""

    feast: FeatureStore
    layouts: Mapping[str, Layout]

    @property
    def loader(self) -> Loader:
        return self.feast.provider.online_store.loader(self.feast.config)

    @property
    def reader(self) -> Reader:
        asked = [Asked(layout=self.layouts[view], features=tuple(FIELDS[view])) for view in FIELDS]
        return self.feast.provider.online_store.reader(self.feast.config, asked)

    def load(self, known: Mapping[str, Known], moment: datetime, made: datetime = NOW) -> dict:
        """Write customers as our loader does; rows taken, by view."""
        return dict(self.loader.write(batch_of(self.layouts, known, moment, made)))

    def push(self, known: Mapping[str, Known], moment: datetime, made: datetime = NOW) -> None:
        """Write customers as Feast does."""
        for view, fields in FIELDS.items():
            rows = {name: views[view] for name, views in known.items() if view in views}
            frame = pd.DataFrame(
                {
                    "customer_id": list(rows),
                    "event_timestamp": [moment] * len(rows),
                    "created_at": [made] * len(rows),
                    **{name: [row.get(name) for row in rows.values()] for name in fields},
                    marker(view): [float(micros_of(moment))] * len(rows),
                }
            )
            if rows:
                self.feast.write_to_online_store(view, frame)

    def read(self, *names: str) -> list[tuple[Known, dict[str, int]]]:
        """What our reader says of customers: what is known of them, and when each view is of."""
        return [told(answer) for answer in self.reader.read(names)]

    def ask(self, *names: str) -> dict[str, list[Any]]:
        """What Feast says of customers."""
        features = [f"{view}:{name}" for view, fields in FIELDS.items() for name in fields]
        rows = [{"customer_id": name} for name in names]
        return dict(self.feast.get_online_features(features=features, entity_rows=rows).to_dict())


def told(answer: Answer) -> tuple[Known, dict[str, int]]:
    values, moments = answer
    rest = iter(values)
    found = {view: {name: next(rest) for name in fields} for view, fields in FIELDS.items()}
    when = {view: moment for view, moment in zip(FIELDS, moments, strict=True) if moment}
    return {view: found[view] for view in when}, when


def marker(view: str) -> str:
    return f"{view}_moment_0a1b2c3d"


def batch_of(
    layouts: Mapping[str, Layout], known: Mapping[str, Known], moment: datetime, made: datetime
) -> Batch:
    at, created = micros_of(moment), micros_of(made)
    people = list(known.values())
    views = []
    for view, layout in layouts.items():
        there = [view in person for person in people]
        values = {
            name: [person.get(view, {}).get(name) for person in people] for name in FIELDS[view]
        }
        values[layout.marker] = [float(at) if one else None for one in there]
        views.append(
            Rows(
                layout=layout,
                columns=[
                    pa.array(values[name], pa.float64() if kind == "number" else pa.string())
                    for name, kind in layout.fields
                ],
                times=pa.array([at if one else None for one in there], pa.int64()),
                created=pa.array([created if one else None for one in there], pa.int64()),
            )
        )
    return Batch(customer_ids=pa.array(list(known), pa.string()), views=tuple(views))


def write_part(folder: Path, view: str, rows: Sequence[Mapping[str, Any]], name: str) -> Path:
    """Write a part of a view as `features.build` would."""
    fields = [("customer_id", pa.string()), ("event_timestamp", TIME), ("created_at", TIME)]
    fields += [(one, TYPES[dtype]) for one, dtype in FIELDS[view].items()]
    schema = pa.schema([*fields, (marker(view), pa.float64())])
    marked = [{**row, marker(view): float(micros_of(row["event_timestamp"]))} for row in rows]
    path = folder / view / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(marked, schema=schema), path)
    return path


def another_definition(world: World) -> World:
    """The same views after their definition has changed, on the same store."""
    layouts = {
        view: replace(
            layout, definition="d2", marker=f"{view}_moment_ffffffff",
            fields=tuple(
                (f"{view}_moment_ffffffff" if name == layout.marker else name, kind)
                for name, kind in layout.fields
            ),
        )
        for view, layout in world.layouts.items()
    }  # fmt: skip
    return World(world.feast, layouts)


def make_world(root: Path, online: Mapping[str, Any]) -> World:
    """Apply the views to a registry of their own, over an online store."""
    root.mkdir(parents=True)
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    views = [view_of(view, root, customer) for view in FIELDS]
    feast = open_feast(root, online)
    feast.apply([customer, *views])
    return World(feast, {view.name: layout_of(feast.project, view) for view in views})


def open_feast(root: Path, online: Mapping[str, Any]) -> FeatureStore:
    return FeatureStore(
        config=RepoConfig(
            project="shop",
            provider="local",
            registry={"registry_type": "sql", "path": f"sqlite:///{root / 'registry.db'}"},
            offline_store={"type": "duckdb"},
            online_store=dict(online),
            entity_key_serialization_version=3,
            materialization={"pull_latest_features": True},
        )
    )


def view_of(view: str, root: Path, customer: Entity) -> FeatureView:
    write_part(root / "parts", view, [], "empty")
    source = FileSource(
        name=f"{view}_parts", path=str(root / "parts" / view / "*.parquet"),
        timestamp_field="event_timestamp", created_timestamp_column="created_at",
    )  # fmt: skip
    return FeatureView(
        name=view, entities=[customer], ttl=TTL, source=source, tags={"definition": "d1"},
        schema=[
            Field(name="customer_id", dtype=String),
            *(Field(name=name, dtype=dtype) for name, dtype in FIELDS[view].items()),
            Field(name=marker(view), dtype=Float64),
        ],
    )  # fmt: skip
