"""From Feast's words, feature views and entity rows, to what the point-in-time join asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from feast import FeatureView
from feast.data_format import ParquetFormat
from feast.data_source import DataSource
from feast.feature_view import DUMMY_ENTITY_ID
from feast.infra.offline_stores.file_source import FileSource
from feast.infra.offline_stores.offline_utils import (
    DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL as TIME,
)
from feast.infra.offline_stores.offline_utils import infer_event_timestamp_from_entity_df

from features.offline_store_join import Engine, join, moments_between
from features.offline_store_sql import History
from lifecycle.errors import DataError, UsageError

UTC_TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, kw_only=True)
class Question:
    """A retrieval as a value: answered twice, it gives the same.

    Attributes:
        entities: the entity rows, with columns that only pass through.
        time: the column of their times.
    """

    engine: Engine
    entities: pa.Table
    time: str
    histories: tuple[History, ...]

    def answer(self) -> pa.Table:
        """The entity rows in their order, then the features of each view."""
        return join(self.engine, self.entities, self.times, self.histories)

    @property
    def times(self) -> pa.ChunkedArray:
        """In UTC; what has no zone is UTC, and parts of a microsecond are cut."""
        return self.entities[self.time].cast(UTC_TIME, safe=False)

    @property
    def reach(self) -> tuple[datetime | None, datetime | None]:
        """The first and the last time asked for."""
        return pc.min(self.times).as_py(), pc.max(self.times).as_py()


def is_local_parquet(source: DataSource) -> bool:
    """Whether the source is Parquet files that DuckDB reads without credentials."""
    if not isinstance(source, FileSource) or "://" in source.path:
        return False
    if source.file_format is None:
        return bool(source.path.endswith(".parquet"))
    return isinstance(source.file_format, ParquetFormat)


def histories_of(
    views: Sequence[FeatureView], references: Sequence[str], *, full: bool, known: bool
) -> tuple[History, ...]:
    """What the join has to know of the views."""
    return tuple(
        history_of(view, tuple(dict.fromkeys(references)), full=full, known=known) for view in views
    )


def history_of(view: FeatureView, references: Sequence[str], *, full: bool, known: bool) -> History:
    source, projection = view.batch_source, view.projection
    column = {new: old for old, new in source.field_mapping.items()}
    asked = f"{projection.name_to_use()}:"
    features = [reference.split(":")[1] for reference in references if reference.startswith(asked)]
    prefix = f"{projection.name_alias or view.name}__" if full else ""
    keys = [one.name for one in view.entity_columns if one.name != DUMMY_ENTITY_ID]
    created = source.created_timestamp_column
    return History(
        name=view.name,
        pattern=source.path,
        keys={column.get(key, key): projection.join_key_map.get(key, key) for key in keys},
        time=column.get(source.timestamp_field, source.timestamp_field),
        created=column.get(created, created) or None,
        features={f"{prefix}{name}": column.get(name, name) for name in features},
        ttl=view.ttl or None,
        known_only=known,
    )


def entities_of(
    engine: Engine, histories: tuple[History, ...], entity_df: pd.DataFrame | str
) -> Question:
    """The question of a frame of entity rows, or of DuckDB's SQL for one."""
    if isinstance(entity_df, str):
        with engine.connect() as db:
            entities = db.sql(entity_df).to_arrow_table()
        kinds = {field.name: field.type.to_pandas_dtype() for field in entities.schema}
        time = infer_event_timestamp_from_entity_df(kinds)
    else:
        time = infer_event_timestamp_from_entity_df(dict(entity_df.dtypes))
        if not pd.api.types.is_datetime64_any_dtype(entity_df[time]):
            entity_df = entity_df.assign(**{time: pd.to_datetime(entity_df[time], utc=True)})
        entities = pa.Table.from_pandas(entity_df, preserve_index=False)
    entities = entities.replace_schema_metadata(None)
    return Question(engine=engine, entities=entities, time=time, histories=histories)


def span_of(
    engine: Engine, histories: tuple[History, ...], start: datetime, end: datetime
) -> Question:
    """The question of every moment that the views hold between two times, inclusive.

    Raises:
        UsageError: the views are not all of the same entities.
    """
    kinds = {tuple(sorted(history.keys.values())) for history in histories}
    if len(kinds) > 1:
        raise UsageError(
            "A range of dates needs views of the same entities.",
            found=" and ".join(", ".join(keys) or "no entity" for keys in sorted(kinds)) + ".",
            do="Give entity rows, or ask for these views one by one.",
        )
    histories = tuple(replace(history, since=start) for history in histories)
    entities = moments_between(engine, histories, end, TIME)
    return Question(engine=engine, entities=entities, time=TIME, histories=histories)


def refuse_foreign(names: Sequence[str]) -> None:
    """Raise UsageError where a range of dates is asked of views that Feast's store reads."""
    if names:
        raise UsageError(
            "A range of dates needs views on local Parquet files.",
            found=f"Others: {', '.join(names)}.",
            do="Give entity rows.",
        )


def refuse_columns(question: Question) -> None:
    """Raise DataError where the entity rows lack a key or take the name of a feature."""
    there = question.entities.column_names
    for history in question.histories:
        missing = [name for name in history.keys.values() if name not in there]
        if missing:
            raise DataError(
                f"The entity rows cannot be joined with {history.name}.",
                found=f"No column {', '.join(missing)} among {', '.join(there)}.",
                do="Give each row its join keys and its time.",
            )
        twice = [name for name in history.features if name in there]
        if twice:
            raise DataError(
                f"The entity rows have columns named like features of {history.name}.",
                found=f"Both have {', '.join(twice)}.",
                do="Rename these columns, or ask with full_feature_names=True.",
            )
