"""Load Redis in batches, and read one service's features out of it in one round trip."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain, repeat
from operator import add
from typing import Any

import pyarrow.compute as pc
from redis import Redis

from features.online_guard import Guard, ViewWrite, Write, write_guarded
from features.online_keys import Keys
from features.online_markers import others
from features.online_port import Answer, Asked, Batch, Layout, Micros, Rows, Span, Value
from features.online_wire import (
    DOUBLE,
    bulk,
    converse,
    field_of,
    micros_in,
    time_field,
    timestamp_of,
    value_in,
    words_of,
)

# Customers encoded in one go, while Redis works on those before.
ENCODED = 5_000
NO_NUMBER = DOUBLE + struct.pack("<d", float("nan"))


class LinkLoader:
    """Loads batches into Redis; see `online_port.Loader`.

    What is loaded is remembered in Redis too: a server that lost its data lost that as well.
    """

    def __init__(self, client: Redis, project: str, ttl: int | None) -> None:
        self.client, self.project, self.ttl = client, project, ttl

    def loaded(self, layout: Layout) -> Mapping[str, Span]:
        found: Any = self.client.hget(ledger(self.project, layout.view), layout.definition)
        parts: dict[str, dict[str, int]] = json.loads(found or "{}")
        return {part: Span(**span) for part, span in parts.items()}

    def remember(self, layout: Layout, parts: Mapping[str, Span]) -> None:
        text = json.dumps({part: asdict(span) for part, span in parts.items()})
        with self.client.pipeline() as pipe:
            pipe.delete(ledger(self.project, layout.view))
            pipe.hset(ledger(self.project, layout.view), layout.definition, text)
            pipe.execute()

    def write(self, batch: Batch) -> Mapping[str, int]:
        guards = [self._guard(rows) for rows in batch.views]
        slices = (slice_of(batch, at, ENCODED) for at in range(0, len(batch.customer_ids), ENCODED))
        writes = chain.from_iterable(writes_of(one, self.project) for one in slices)
        taken = write_guarded(self.client.connection_pool, guards, writes, self.ttl)
        return {guard.view: n for guard, n in zip(guards, taken, strict=True)}

    def _guard(self, rows: Rows) -> Guard:
        """What guards the view; of other definitions nothing is whole from here on."""
        layout, name = rows.layout, ledger(self.project, rows.layout.view)
        found: Any = self.client.hkeys(name)
        gone = [one for one in found if one != layout.definition.encode()]
        if gone:
            self.client.hdel(name, *gone)
        if rows.times.null_count == len(rows.times):
            return Guard.of(layout)
        ends = pc.min_max(rows.times).as_py()
        return Guard.of(
            layout, others(self.client, self.project, layout, (ends["min"], ends["max"]))
        )


def ledger(project: str, view: str) -> str:
    return f"_loaded:{project}:{view}"


def slice_of(batch: Batch, at: int, size: int) -> Batch:
    return Batch(
        customer_ids=batch.customer_ids.slice(at, size),
        views=tuple(
            Rows(
                layout=rows.layout,
                columns=[column.slice(at, size) for column in rows.columns],
                times=rows.times.slice(at, size),
                created=rows.created.slice(at, size),
            )
            for rows in batch.views
        ),
    )


def writes_of(batch: Batch, project: str) -> Iterable[Write]:
    keys = Keys(batch.views[0].layout.join_key, project.encode())
    names = keys.of_all(batch.customer_ids.cast("binary").to_pylist())
    views = zip(*(view_writes(*one) for one in enumerate(batch.views)), strict=True)
    if not any(rows.times.null_count for rows in batch.views):
        return zip(names, views, strict=True)
    some = ([one for one in found if one[1] is not None] for found in views)
    return zip(names, some, strict=True)


def view_writes(place: int, rows: Rows) -> Iterable[ViewWrite]:
    """One a customer; the moment is None where the view has no row."""
    head = bulk(time_field(rows.layout.view))
    moments = rows.times.to_pylist()
    # One build gives many customers the same moment.
    known = {moment: head + bulk(timestamp_of(moment)) for moment in {*moments} - {None}}
    known[None] = b""
    words = map(add, map(known.__getitem__, moments), words_of(rows.layout, rows.columns))
    return zip(repeat(place), moments, words, strict=False)


class LinkReader:
    """Reads one service's features out of Redis; see `online_port.Reader`."""

    def __init__(self, client: Redis, asked: Sequence[Asked]) -> None:
        self.pool = client.connection_pool
        self.keys = Keys(asked[0].layout.join_key, asked[0].layout.project.encode())
        self.marked = [one.layout.marker is not None for one in asked]
        wanted = [(one, name) for one in asked for name in one.features]
        kinds = [dict(one.layout.fields)[name] for one, name in wanted]
        order = sorted(range(len(wanted)), key=lambda n: kinds[n] != "number")
        self.numbers = kinds.count("number")
        self.places = [order.index(n) for n in range(len(wanted))]
        self.sorted = self.places == list(range(len(wanted)))
        self.unpack = struct.Struct("<" + "xd" * self.numbers).unpack
        self.tags = DOUBLE * self.numbers
        fields = [field_of(wanted[n][0].layout.view, wanted[n][1]) for n in order]
        for layout in (one.layout for one in asked):
            fields += [time_field(layout.view), field_of(layout.view, layout.marker or "")]
        self.values = len(wanted)
        self.head = b"*%d\r\n$5\r\nHMGET\r\n" % (2 + len(fields))
        self.tail = b"".join(map(bulk, fields))

    def read(self, customer_ids: Sequence[str]) -> Sequence[Answer]:
        payload = b"".join(
            self.head + bulk(self.keys.of(customer_id)) + self.tail for customer_id in customer_ids
        )
        connection: Any = self.pool.get_connection()
        try:
            replies = converse(connection, payload, len(customer_ids))
        finally:
            self.pool.release(connection)
        return [self._answer(reply) for reply in replies]

    def _answer(self, reply: list[bytes | None]) -> Answer:
        times, markers = reply[self.values :: 2], reply[self.values + 1 :: 2]
        moments = list(map(moment_of, times, markers, self.marked))
        return self._values(reply), moments

    def _values(self, reply: list[bytes | None]) -> list[Value]:
        numbers = [message or NO_NUMBER for message in reply[: self.numbers]]
        packed = b"".join(numbers)
        if packed[::9] == self.tags and len(packed) == 9 * self.numbers:
            values: list[Value] = [n if n == n else None for n in self.unpack(packed)]  # noqa: PLR0124  NaN
        else:
            values = list(map(value_in, numbers))
        values += map(value_in, reply[self.numbers : self.values])
        return values if self.sorted else [values[n] for n in self.places]


def moment_of(time: bytes | None, marker: bytes | None, marked: bool) -> Micros | None:
    """The moment of a view's row; None without a row of this definition.

    Where the marker tells another moment than the time, the row was written by another
    definition since.
    """
    if not time or (marked and not marker):
        return None
    moment = micros_in(time)
    return moment if not marked or value_in(marker) == moment else None
