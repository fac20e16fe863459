"""Feast's offline store on Parquet parts, with a point-in-time join of our own.

Feast calls it for `get_historical_features` (`type: features.offline_store.AsOfOfflineStore` in
feature_store.yaml). Everything else, and every source that is no local Parquet file, is left to
Feast's duckdb store, from which it descends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
from feast import FeatureView
from feast.infra.offline_stores.duckdb import (
    DuckDBOfflineStore,
    DuckDBOfflineStoreConfig,
    _write_data_source,
)
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.repo_config import RepoConfig
from feast.saved_dataset import SavedDatasetStorage
from feast.utils import compute_non_entity_date_range

from features.offline_store_join import Engine
from features.offline_store_question import (
    Question,
    entities_of,
    histories_of,
    is_local_parquet,
    refuse_columns,
    refuse_foreign,
    span_of,
)


class AsOfOfflineStoreConfig(DuckDBOfflineStoreConfig):  # type: ignore[misc] # Feast has no types
    """The store's block in feature_store.yaml.

    Attributes:
        memory_limit: what a join may hold before it goes to disk, as DuckDB takes it.
        threads: how many cores it may use; all when None.
    """

    type: str = "features.offline_store.AsOfOfflineStore"
    memory_limit: str = Engine.memory_limit
    threads: int | None = None


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What Feast wants to know of a retrieval beside its rows."""

    metadata: RetrievalMetadata
    on_demand: list[OnDemandFeatureView]
    full_feature_names: bool
    folder: str


class AsOfRetrievalJob(RetrievalJob):  # type: ignore[misc] # Feast has no types
    """A retrieval; it runs each time that its rows are asked for."""

    def __init__(self, question: Question, answered: Answered) -> None:
        self.question = question
        self.answered = answered

    @property
    def full_feature_names(self) -> bool:
        return self.answered.full_feature_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        return self.answered.on_demand

    @property
    def metadata(self) -> RetrievalMetadata:
        return self.answered.metadata

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:  # noqa: ARG002 - Feast's
        return self.question.answer()

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        frame: pd.DataFrame = self._to_arrow_internal(timeout).to_pandas()
        return frame

    def persist(
        self,
        storage: SavedDatasetStorage,
        allow_overwrite: bool = False,
        timeout: int | None = None,
    ) -> None:
        """Write the rows to where `storage` says."""
        rows = ibis.memtable(self.to_arrow(timeout=timeout))
        target = storage.to_data_source()
        _write_data_source(rows, target, self.answered.folder, "overwrite", allow_overwrite)


class AsOfOfflineStore(DuckDBOfflineStore):  # type: ignore[misc] # Feast has no types
    """Feast's duckdb store with a faster and more exact `get_historical_features`."""

    @staticmethod
    def get_historical_features(  # noqa: PLR0913, PLR0917 - Feast's signature
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str | None,
        registry: Any,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        **dates: datetime,
    ) -> RetrievalJob:
        """Each entity row with what was known of it by its time, in the rows' order.

        Args as Feast documents them, and: `entity_df` may be DuckDB's SQL; without it every moment
        that the views hold between start_date and end_date (`dates`), inclusive, is asked for.

        Raises:
            DataError: entity rows lack a key, or have a column named like a feature.
            UsageError: a range of dates over views that cannot have one.
        """
        on_demand = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        foreign = [v.name for v in feature_views if not is_local_parquet(v.batch_source)]
        foreign += [view.name for view in on_demand if view.mode == "substrait"]
        if foreign and entity_df is not None:
            return DuckDBOfflineStore.get_historical_features(
                config, feature_views, feature_refs, entity_df, registry, project,
                full_feature_names, filter_by_created_timestamp,
            )  # fmt: skip
        refuse_foreign(foreign)
        engine = Engine(
            memory_limit=config.offline_store.memory_limit, threads=config.offline_store.threads
        )
        histories = histories_of(
            feature_views, feature_refs, full=full_feature_names, known=filter_by_created_timestamp
        )
        if entity_df is None:
            question = span_of(
                engine, histories, *compute_non_entity_date_range(feature_views, **dates)
            )
        else:
            question = entities_of(engine, histories, entity_df)
        refuse_columns(question)
        answered = Answered(
            metadata=metadata_of(question, feature_refs), on_demand=on_demand,
            full_feature_names=full_feature_names, folder=str(config.repo_path),
        )  # fmt: skip
        return AsOfRetrievalJob(question, answered)


def metadata_of(question: Question, feature_refs: list[str]) -> RetrievalMetadata:
    first, last = question.reach
    return RetrievalMetadata(
        features=feature_refs,
        keys=[name for name in question.entities.column_names if name != question.time],
        min_event_timestamp=first,
        max_event_timestamp=last,
    )
