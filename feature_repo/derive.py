"""Feast's objects, derived from the feature catalogue and the tasks. Nothing is defined here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.data_format import ParquetFormat
from feast.data_source import DataSource
from feast.types import Float64, String

from feature_repo.configuration import on_postgres
from feature_repo.told import SEGMENTS, Kept, told_segments
from features.catalogue import select
from features.feature import Feature
from features.tables import TTL, Table, tables
from lifecycle.dataset import DataSet
from lifecycle.errors import NotReady
from lifecycle.home import Home
from lifecycle.task import Task
from segments.table import earlier, stored

OWNER = "onramp"
FEAST_TYPES = {"number": Float64, "category": String}
DESCRIPTIONS = {
    "customer_behaviour": "What the customer did, of the events received by the moment",
    "customer_profile": "Who the customer is, in the version received by the moment",
    "customer_segments": "Which segments the customer is in, by the features of the moment",
}


@dataclass(frozen=True)
class Repo:
    """Everything that Feast is told.

    Attributes:
        tables: what is read, and what may be read; nothing else has to stay.
    """

    customer: Entity
    sources: tuple[DataSource, ...]
    views: tuple[FeatureView, ...]
    services: tuple[FeatureService, ...]
    tables: tuple[Table, ...]


def derive(home: Home, tasks: Mapping[str, Task]) -> Repo:
    """Derive entity, views, one feature service a task and one of segments, once they are built.

    Segments that cannot be read, or are not built as defined now, stay as Feast knows them: a slip
    in a rule shall not cost what was computed before it. They go with their built parts alone.

    Raises:
        NotReady: nothing was ingested, or the features were not built as they are defined now.
        UnknownName: a task asks for features that the data set has not.
    """
    dataset = home.dataset()
    built = built_tables(home, dataset)
    customer = Entity(
        name="customer", join_keys=["customer_id"], value_type=ValueType.STRING,
        description="One customer", owner=OWNER,
    )  # fmt: skip
    read = postgres_source if on_postgres(home) else file_source
    segments = stored(home)
    views = tuple(view(one, customer, dataset, read(one)) for one in (*built, *segments))
    kept = Kept() if segments else told_segments(home)
    return Repo(
        customer=customer,
        sources=tuple(one.batch_source for one in (*views, *kept.views)),
        views=(*views, *kept.views),
        services=(
            *(service(task, built, views[: len(built)]) for task in tasks.values()),
            *(segment_service(views[-1], table) for table in segments),
            *kept.services,
        ),
        tables=(*built, *(segments or earlier(home))),
    )


def built_tables(home: Home, dataset: DataSet) -> tuple[Table, ...]:
    """The tables of the catalogue.

    Raises:
        NotReady: one is not built as it is defined now.
    """
    built = tables(home, dataset)
    for table in built:
        if not table.parts():
            raise NotReady(
                f"The features of {table.view} are not built as they are defined now.",
                found=f"No parts in {table.folder}.",
                do="Run `onramp features` first.",
            )
    return built


def file_source(table: Table) -> DataSource:
    return FileSource(
        name=f"{table.view}_parts", path=table.pattern, file_format=ParquetFormat(),
        timestamp_field="event_timestamp", created_timestamp_column="created_at", owner=OWNER,
        description=f"Built parts of {table.view}",
    )  # fmt: skip


def postgres_source(table: Table) -> DataSource:
    """The table that holds the same parts.

    Named by its definition: Feast takes two sources for equal whatever table they read.
    """
    from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import (  # noqa: PLC0415  its client comes with an extra
        PostgreSQLSource,
    )

    from feature_repo.postgres import name_of  # noqa: PLC0415  its client comes with an extra

    return PostgreSQLSource(
        name=name_of(table), table=name_of(table),
        timestamp_field="event_timestamp", created_timestamp_column="created_at", owner=OWNER,
        description=f"Built parts of {table.view}",
    )  # fmt: skip


def view(table: Table, customer: Entity, dataset: DataSet, source: DataSource) -> FeatureView:
    return FeatureView(
        name=table.view,
        entities=[customer],
        ttl=TTL,
        schema=[
            Field(name="customer_id", dtype=String),
            *(field(feature) for feature in table.features),
            Field(name=table.marker, dtype=Float64, description="The moment, microseconds UTC"),
        ],
        source=source,
        online=True,
        description=DESCRIPTIONS[table.view],
        owner=OWNER,
        tags={"data_set": dataset.name, "definition": table.folder.name},
    )


def field(feature: Feature) -> Field:
    window = "since sign-up" if feature.window_days is None else f"{feature.window_days} days"
    facts = {"unit": feature.unit, "window": window, "definition": feature.definition}
    if feature.view != "customer_behaviour":
        facts.pop("window")
    return Field(
        name=feature.name,
        dtype=FEAST_TYPES[feature.type],
        description=feature.meaning,
        tags={key: value for key, value in facts.items() if value},
    )


def service(task: Task, built: tuple[Table, ...], views: tuple[FeatureView, ...]) -> FeatureService:
    """The task's features, behaviour first, in catalogue order."""
    chosen = select(task.features, tuple(chain(*(table.features for table in built))))
    parts = []
    for one, table in zip(views, built, strict=True):
        names = [feature.name for feature in chosen if feature.view == table.view]
        if names:
            parts.append(one[names])
    return FeatureService(
        name=task.name, features=parts, description=task.asked, owner=OWNER,
        tags={"kind": task.kind, "horizon_days": str(task.horizon_days)},
    )  # fmt: skip


def segment_service(segments: FeatureView, table: Table) -> FeatureService:
    """Every segment and score; no model's features, because their edges know later customers."""
    return FeatureService(
        name=SEGMENTS, features=[segments[[feature.name for feature in table.features]]],
        description="Which segments is the customer in?", owner=OWNER,
    )  # fmt: skip
