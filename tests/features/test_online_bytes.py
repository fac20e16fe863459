"""Vectors, keys and Redis words against plain packing and against Feast's own functions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.helpers import _mmh3
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value as Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from features.online_keys import Keys
from features.online_port import Layout
from features.online_vector import Unpacker, pack, pack_all
from features.online_wire import (
    bulk,
    field_of,
    micros_in,
    number_words,
    timestamp_of,
    value_in,
    words_of,
)

NUMBER = st.none() | st.floats(allow_nan=False)
TEXT = st.none() | st.text(max_size=300)
ROW = st.tuples(NUMBER, TEXT, NUMBER, TEXT)
LAYOUT = Layout(
    project="p", view="v", join_key="customer_id", definition="", marker=None,
    fields=(("a", "number"), ("s", "category"), ("b", "number"), ("t", "category")),
)  # fmt: skip


def columns_of(rows: list[tuple[object, ...]]) -> list[pa.Array]:
    kinds = (pa.float64(), pa.string(), pa.float64(), pa.string())
    return [pa.array(column, kind) for column, kind in zip(zip(*rows), kinds)]  # noqa: B905


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=5))
def test_a_packed_row_comes_back(rows: list[tuple[object, ...]]) -> None:
    """Numbers bit by bit, texts, gaps; any choice of features in any order."""
    unpacker = Unpacker(LAYOUT.fields)
    vectors = pack_all(LAYOUT, columns_of(rows))
    for row, vector in zip(rows, vectors, strict=True):
        a, s, b, t = row
        assert unpacker.chooser("tbsa")(vector) == [t, b, s, a]
        assert unpacker.chooser(["b", "gone"])(vector) == [b, None]
        numbers = [float("nan") if n is None else n for n in (a, b)]
        texts = [None if one is None else str(one).encode() for one in (s, t)]
        assert pack(numbers, texts) == vector


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=5))
def test_words_are_feasts_messages(rows: list[tuple[object, ...]]) -> None:
    """Each value is the message that Feast's library writes; a gap is an empty one."""
    for row, words in zip(rows, words_of(LAYOUT, columns_of(rows)), strict=True):
        wanted = b""
        for place in (0, 2, 1, 3):
            value, (name, kind) = row[place], LAYOUT.fields[place]
            message = Message()
            if value is not None:
                message = Message(**{"double_val" if kind == "number" else "string_val": value})
            wanted += bulk(field_of("v", name)) + bulk(message.SerializeToString())
            assert value_in(message.SerializeToString()) == value
        assert words == wanted


def test_a_view_without_numbers_has_words() -> None:
    """No column at all is no word at all."""
    assert number_words([], np.empty((3, 0))) == [b"", b"", b""]


@settings(max_examples=100, deadline=None)
@given(name=st.text(max_size=400), key=st.sampled_from(["customer_id", "kunde_nr_é"]))
def test_keys_are_feasts(name: str, key: str) -> None:
    """The entity key of any id, as Feast's version 3 writes it."""
    entity = EntityKey(join_keys=[key], entity_values=[Message(string_val=name)])
    wanted = serialize_entity_key(entity, entity_key_serialization_version=3)
    assert Keys(key, b"shop").of(name) == wanted + b"shop"


@given(name=st.text(max_size=20))
def test_hash_fields_are_feasts(name: str) -> None:
    """The name of a feature's field in Redis."""
    assert field_of("view", name) == _mmh3(f"view:{name}")


@settings(deadline=None)
@given(moment=st.integers(-(10**17), 10**17))
def test_times_are_protobufs(moment: int) -> None:
    """Before and after 1970, on whole seconds and between them, to the microsecond."""
    for one in (moment, moment // 10**6 * 10**6, 0):
        seconds, micros = divmod(one, 10**6)
        wanted = Timestamp(seconds=seconds, nanos=micros * 1000).SerializeToString()
        assert timestamp_of(one) == wanted
        assert micros_in(wanted) == one
