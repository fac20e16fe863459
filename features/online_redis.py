"""Feast's Redis store with a guard: an older row never replaces a newer one, whoever writes.

What lies in Redis is what Feast's own store writes, so that one may read what the other wrote.
Feast's store drops a correction with an equal event time and checks before it writes, so that of
two writers the older may win.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from feast import FeatureView, RepoConfig
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.redis import (
    RedisOnlineStore,
    RedisOnlineStoreConfig,
    RedisType,
)
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value as Message
from redis import Redis

from features.online_guard import Guard, ViewWrite, write_guarded
from features.online_layout import layout_of
from features.online_link import LinkLoader, LinkReader, ledger
from features.online_markers import names_key, others
from features.online_port import Asked, Layout
from features.online_time import micros_of
from features.online_wire import bulk, field_of, time_field, timestamp_of
from lifecycle.errors import UsageError

Item = tuple[EntityKey, Mapping[str, Message], datetime, datetime | None]
Read = tuple[datetime | None, dict[str, Message] | None]


class VectorRedisOnlineStoreConfig(RedisOnlineStoreConfig):  # type: ignore[misc]  # Feast ships no types
    """`online_store` in feature_store.yaml: that of Feast's Redis store, under our type."""

    type: Literal["features.online_redis.VectorRedisOnlineStore"] = (
        "features.online_redis.VectorRedisOnlineStore"
    )


class VectorRedisOnlineStore(RedisOnlineStore):  # type: ignore[misc]  # Feast ships no types
    """See the module. Reads through Feast are Feast's own, but for customers who are not there."""

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: Sequence[Item],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Write what `feast materialize` or a push brings."""
        layout = layout_of(config.project, table)
        newest: dict[bytes, Item] = {}
        for item in data:
            key = serialize_entity_key(item[0], entity_key_serialization_version=3)
            if key not in newest or micros_of(item[2]) >= micros_of(newest[key][2]):
                newest[key] = item
        suffix = config.project.encode()
        writes = [(key + suffix, [view_write(layout, item)]) for key, item in newest.items()]
        client = self.connected(config)
        if writes:
            moments = [moment for _, ((_, moment, _),) in writes]
            span = min(moments), max(moments)
            guard = Guard.of(layout, others(client, config.project, layout, span))
            seconds = config.online_store.key_ttl_seconds
            write_guarded(client.connection_pool, [guard], writes, seconds)
        if progress:
            progress(len(data))

    async def online_write_batch_async(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: Sequence[Item],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """As `online_write_batch`, in a thread."""
        await asyncio.to_thread(self.online_write_batch, config, table, data, progress)

    def delete_table(self, config: RepoConfig, table: FeatureView) -> None:
        """Delete a view's rows, and that they were loaded."""
        super().delete_table(config, table)
        self.connected(config).delete(ledger(config.project, table.name))

    def teardown(
        self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Any]
    ) -> None:
        """Delete all customers, and that they were loaded."""
        super().teardown(config, tables, entities)
        for table in tables:
            self.connected(config).delete(
                ledger(config.project, table.name), names_key(config.project, table.name)
            )

    def reader(self, config: RepoConfig, asked: Sequence[Asked]) -> LinkReader:
        """Read past Feast; see `online_port.Direct`."""
        return LinkReader(self.connected(config), asked)

    def loader(self, config: RepoConfig) -> LinkLoader:
        """Load past Feast; see `online_port.Direct`."""
        ttl = config.online_store.key_ttl_seconds
        return LinkLoader(self.connected(config), config.project, ttl)

    def connected(self, config: RepoConfig) -> Redis:
        """The client.

        Raises:
            UsageError: the store is a Redis cluster, where no transaction spans customers.
        """
        if config.online_store.redis_type == RedisType.redis_cluster:
            raise UsageError(
                "The online store cannot be a Redis cluster.",
                found="redis_type: redis_cluster.",
                do="Name one server, or sentinels; or take Feast's own store, `type: redis`.",
            )
        client: Redis = self._get_client(config.online_store)
        return client

    def _get_features_for_entity(
        self, values: Sequence[Any], feature_view: str, requested_features: list[str]
    ) -> Read:
        found: Read = super()._get_features_for_entity(values, feature_view, requested_features)
        # Feast calls a customer who is not there present, with nothing known.
        return found if values[requested_features.index(f"_ts:{feature_view}")] else (None, None)


def view_write(layout: Layout, item: Item) -> ViewWrite:
    _, values, event, _ = item
    moment = micros_of(event)
    words = [time_field(layout.view), timestamp_of(moment)]
    for name, _ in layout.fields:
        message = values.get(name)
        words += [
            field_of(layout.view, name), message.SerializeToString() if message is not None else b""
        ]  # fmt: skip
    return 0, moment, b"".join(map(bulk, words))
