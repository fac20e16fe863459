"""Feast's online store in one SQLite file, a vector a customer and view instead of a row a value.

In Feast's own SQLite store 30 features are 30 rows, each with its message and two index entries,
and an older event overwrites a newer one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from feast import Entity, FeatureView, RepoConfig
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value as Message
from feast.repo_config import FeastConfigBaseModel

from features.online_file import OnlineFile, Row, number_of, upsert
from features.online_file_rows import FileLoader, FileReader
from features.online_layout import layout_of
from features.online_port import Asked, Layout
from features.online_time import datetime_of, micros_of
from features.online_vector import Unpacker, Vector, pack, stored_order

Item = tuple[EntityKey, Mapping[str, Message], datetime, datetime | None]
Read = tuple[datetime | None, dict[str, Message] | None]


class VectorSqliteOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]  # Feast ships no types
    """`online_store` in feature_store.yaml.

    Attributes:
        path: the file; relative to the folder of feature_store.yaml.
    """

    type: Literal["features.online_sqlite.VectorSqliteOnlineStore"] = (
        "features.online_sqlite.VectorSqliteOnlineStore"
    )
    path: str = "data/online.db"


class VectorSqliteOnlineStore(OnlineStore):  # type: ignore[misc]  # Feast ships no types
    """See the module. Writes of any kind are guarded: an older row never replaces a newer one."""

    _file: OnlineFile | None = None

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: Sequence[Item],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Write what `feast materialize` or a push brings."""
        layout = layout_of(config.project, table)
        with self.file(config).writing() as connection:
            numbers = number_of(connection, layout)
            upsert(connection, (row_of(layout, numbers, item) for item in data))
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

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: Sequence[EntityKey],
        requested_features: Sequence[str] | None = None,
    ) -> list[Read]:
        """Read for `get_online_features`; (None, None) where there is no row."""
        layout, file = layout_of(config.project, table), self.file(config)
        wanted = requested_features or [name for name, _ in layout.fields]
        keys = [
            serialize_entity_key(key, entity_key_serialization_version=3) for key in entity_keys
        ]
        found = file.find(keys)
        return [message_row(file, layout, found[key], wanted) for key in keys]

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],  # noqa: ARG002  all views share one table
        entities_to_delete: Sequence[Entity],  # noqa: ARG002  rows go with their views
        entities_to_keep: Sequence[Entity],  # noqa: ARG002
        partial: bool,  # noqa: ARG002
    ) -> None:
        """Forget views that are gone."""
        self.file(config).forget(config.project, [table.name for table in tables_to_delete])

    def teardown(
        self,
        config: RepoConfig,
        tables: Sequence[FeatureView],
        entities: Sequence[Entity],  # noqa: ARG002  rows go with their views
    ) -> None:
        """Forget all views; the file stays for those who have it open."""
        self.file(config).forget(config.project, [table.name for table in tables])

    def delete_table(self, config: RepoConfig, table: FeatureView) -> None:
        """Delete a view's rows, and that they were loaded."""
        self.file(config).forget(config.project, [table.name])

    def reader(self, config: RepoConfig, asked: Sequence[Asked]) -> FileReader:
        """Read past Feast; see `online_port.Direct`."""
        return FileReader(self.file(config), asked)

    def loader(self, config: RepoConfig) -> FileLoader:
        """Load past Feast; see `online_port.Direct`."""
        return FileLoader(self.file(config))

    def file(self, config: RepoConfig) -> OnlineFile:
        """The store's file."""
        if self._file is None:
            path = Path(config.online_store.path)
            if config.repo_path and not path.is_absolute():
                path = Path(config.repo_path) / path
            self._file = OnlineFile(path)
        return self._file


def row_of(layout: Layout, numbers: tuple[int, int], item: Item) -> Row:
    entity, values, event, created = item
    numeric, rest = stored_order(layout.fields)
    vector = pack(
        [number_in(values.get(layout.fields[n][0])) for n in numeric],
        [bytes_in(values.get(name), kind) for name, kind in (layout.fields[n] for n in rest)],
    )
    view, number = numbers
    moment = micros_of(event)
    key = serialize_entity_key(entity, entity_key_serialization_version=3)
    return key, view, number, moment, moment if created is None else micros_of(created), vector


def number_in(message: Message | None) -> float:
    kind = message.WhichOneof("val") if message is not None else None
    return float("nan") if kind in (None, "null_val") else float(getattr(message, kind))


def bytes_in(message: Message | None, kind: str) -> bytes | None:
    if message is None or message.WhichOneof("val") in (None, "null_val"):
        return None
    text: bytes = message.string_val.encode() if kind == "category" else message.SerializeToString()
    return text


def message_row(
    file: OnlineFile, layout: Layout, rows: Sequence[tuple[int, int, bytes]], wanted: Sequence[str]
) -> Read:
    for number, moment, vector in rows:
        *which, fields = file.layout(number)
        if which == [layout.project, layout.view, layout.definition]:
            unpacker = Unpacker(fields)
            every = messages(unpacker, dict(fields), unpacker.unpack(vector))
            return datetime_of(moment), {name: every.get(name, Message()) for name in wanted}
    return None, None


def messages(unpacker: Unpacker, kinds: Mapping[str, str], row: Vector) -> dict[str, Message]:
    """Feature → Feast's message; an empty one for a gap, as Feast writes it."""
    numbers, rest = row
    found = {
        name: Message() if value != value else Message(double_val=value)  # noqa: PLR0124  NaN
        for name, value in zip(unpacker.names[0], numbers, strict=True)
    }
    for name, word in zip(unpacker.names[1], rest, strict=True):
        found[name] = message_of(word, kinds[name])
    return found


def message_of(word: bytes | None, kind: str) -> Message:
    if word is None:
        return Message()
    return Message(string_val=word.decode()) if kind == "category" else Message.FromString(word)
