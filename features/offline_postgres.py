"""Feast's PostgreSQL offline store with a point-in-time join that its index answers.

Feast's own query joins every row of a customer with every moment asked for, from materialised
subqueries that no index helps: 2,000 moments over 100,000 rows took it 35 s. Here each moment is
one probe of the table's primary key. The moments lie in a temporary table of the session, which
goes with it, killed or not; Feast's own is left behind by a kill.

Everything else is Feast's: sources, types, what `feast materialize` reads, and a retrieval whose
entities are a query or none.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from feast import FeatureView, RepoConfig
from feast.infra.offline_stores import offline_utils
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres import (
    PostgreSQLOfflineStore,
    PostgreSQLOfflineStoreConfig,
    PostgreSQLRetrievalJob,
    _get_entity_df_event_timestamp_range,
)
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.infra.utils.postgres.connection_utils import _get_conn
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.type_map import arrow_to_pg_type, pg_type_code_to_arrow
from psycopg import Cursor, sql
from pydantic import StrictStr

from features.offline_postgres_sql import Look, join_sql

WRITE = pyarrow.csv.WriteOptions(include_header=False)
ROW = "row of the moment"
AT = "time of the moment"


class PostgresOfflineStoreConfig(PostgreSQLOfflineStoreConfig):  # type: ignore[misc] # Feast has no types
    """Feast's settings, without those that must not be written down.

    Left out, libpq takes them from where every client of PostgreSQL does: the password from
    PGPASSWORD or a password file, encryption from PGSSLMODE and its companions.
    """

    type: Literal["features.offline_postgres.PostgresOfflineStore"] = (
        "features.offline_postgres.PostgresOfflineStore"
    )
    password: StrictStr | None = None
    sslmode: StrictStr | None = None


class PostgresOfflineStore(PostgreSQLOfflineStore):  # type: ignore[misc] # Feast has no types
    """See the module. `type: features.offline_postgres.PostgresOfflineStore`."""

    @staticmethod
    def get_historical_features(  # noqa: PLR0913, PLR0917 - Feast's own signature
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str | None,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        **rest: Any,
    ) -> RetrievalJob:
        """The features of each row of `entity_df`, in its order; see Feast's OfflineStore."""
        if not isinstance(entity_df, pd.DataFrame):
            return PostgreSQLOfflineStore.get_historical_features(
                config, feature_views, feature_refs, entity_df, registry, project,
                full_feature_names, filter_by_created_timestamp, **rest,
            )  # fmt: skip
        at = offline_utils.infer_event_timestamp_from_entity_df(dict(entity_df.dtypes.items()))
        keys = offline_utils.get_expected_join_keys(project, feature_views, registry)
        offline_utils.assert_expected_columns_in_entity_df(entity_df.dtypes, keys, at)
        span = _get_entity_df_event_timestamp_range(entity_df, at, config)
        contexts = offline_utils.get_feature_view_query_context(
            feature_refs, feature_views, registry, project, span
        )
        looks = [Look.of(one, filter_by_created_timestamp) for one in contexts]
        return PostgresRetrievalJob(
            Moments(entity_df, sorted(keys), at),
            looks,
            config=config,
            full_feature_names=full_feature_names,
            on_demand_feature_views=OnDemandFeatureView.get_requested_odfvs(
                feature_refs, project, registry
            ),
            metadata=RetrievalMetadata(
                features=feature_refs,
                keys=[name for name in entity_df.columns if name != at],
                min_event_timestamp=span[0],
                max_event_timestamp=span[1],
            ),
        )


class Moments:
    """The rows that are asked for; their times in UTC and microseconds, as PostgreSQL's."""

    def __init__(self, frame: pd.DataFrame, keys: Sequence[str], at: str) -> None:
        times = pd.to_datetime(frame[at], utc=True).dt.as_unit("us")
        self.asked = pa.Table.from_pandas(frame.assign(**{at: times}), preserve_index=False)
        self.keys = tuple(keys)
        self.at = at

    @property
    def table(self) -> pa.Table:
        """What PostgreSQL has to know of them: a number, the keys and the time."""
        columns = [pa.array(range(self.asked.num_rows), pa.int64())]
        columns += [holdable(self.asked[key]) for key in self.keys]
        columns.append(self.asked[self.at])
        return pa.table(columns, names=[ROW, *self.keys, AT])


def holdable(key: pa.ChunkedArray) -> pa.ChunkedArray:
    """A key as PostgreSQL can hold it; null, which equals nothing, where it holds a NUL."""
    if not pa.types.is_string(key.type):
        return key
    return pc.if_else(pc.match_substring(key, "\0"), pa.scalar(None, key.type), key)


class PostgresRetrievalJob(PostgreSQLRetrievalJob):  # type: ignore[misc] # Feast has no types
    """A retrieval; it runs each time that its rows are asked for."""

    def __init__(self, moments: Moments, looks: Sequence[Look], **feasts: Any) -> None:
        self.moments = moments
        self.looks = tuple(looks)
        super().__init__(query=join_sql(self.looks, ROW, AT).as_string(None), **feasts)

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:  # noqa: ARG002 - Feast's signature
        with _get_conn(self.config.offline_store) as db, db.cursor() as cursor:
            # Each probe is cheap and there are many: compiling the query takes longer than most.
            cursor.execute("SET LOCAL TIME ZONE 'UTC'; SET LOCAL jit = off")
            upload(cursor, self.moments.table)
            found = fetch(cursor, join_sql(self.looks, ROW, AT))
        answer = self.moments.asked
        for look in self.looks:
            for name, number in look.numbered:
                label = f"{look.view}__{name}" if self.full_feature_names else name
                answer = answer.append_column(label, found[number])
        return answer


def upload(cursor: Cursor[Any], rows: pa.Table) -> None:
    """Copy the moments into a temporary table of the transaction."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(kind_of(field.type)))
        for field in rows.schema
    )
    cursor.execute(sql.SQL("CREATE TEMP TABLE asked ({}) ON COMMIT DROP").format(columns))
    with cursor.copy("COPY asked FROM STDIN (FORMAT csv)") as into:
        for batch in rows.to_batches(max_chunksize=20_000):
            lines = io.BytesIO()
            pyarrow.csv.write_csv(batch, lines, WRITE)
            into.write(lines.getvalue())
    cursor.execute("ANALYZE asked")


def kind_of(kind: pa.DataType) -> str:
    return "text" if pa.types.is_null(kind) else str(arrow_to_pg_type(str(kind)))


def fetch(cursor: Cursor[Any], query: sql.Composed) -> pa.Table:
    """The query's columns by their numbers, its rows by the moments' numbers."""
    cursor.execute(sql.SQL("{} LIMIT 0").format(query))
    described = cursor.description or ()
    kinds = {column.name: pg_type_code_to_arrow(column.type_code) for column in described}
    lines = io.BytesIO()
    with cursor.copy(sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(query)) as out:
        for block in out:
            lines.write(block)
    lines.seek(0)
    rows = pyarrow.csv.read_csv(
        lines,
        read_options=pyarrow.csv.ReadOptions(column_names=list(kinds)),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=kinds, null_values=[""], strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )  # fmt: skip
    return rows.sort_by(ROW)
