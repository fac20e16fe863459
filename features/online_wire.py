"""Feast's Redis format, written and read as bytes: what its own store would write, bit by bit.

A customer is a hash under the entity key and the project's name. It holds `_ts:<view>`, a
protobuf Timestamp, and each feature under the 32-bit murmur hash of `<view>:<feature>` as a
`ValueProto`: a double is one tag byte and eight bytes, a string a tag byte, its length and its
bytes, a gap is empty. Source: `feast.infra.online_stores.redis`; `tests/features/test_online_redis`
compares a whole database byte for byte with what Feast writes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import mmh3
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.online_port import Layout, Micros, Value
from features.online_vector import matrix, stored_order, texts

DOUBLE = b"\x29"
STRING = b"\x12"
SECOND = 1_000_000
# `$4 hash $9 tag double`: the bytes of one number among a command's words.
WORD = 25
AT_HASH, AT_SIZE, AT_TAG, AT_DOUBLE, AT_END = 4, 11, 14, 15, 23
NANOS = 1_000
# A build gives many customers the same moment.
MOMENTS = 10_000
SECONDS_TAG, NANOS_TAG = 0x08, 0x10


def field_of(view: str, feature: str) -> bytes:
    """The hash field of a feature."""
    return struct.pack("<I", mmh3.hash(f"{view}:{feature}", signed=False))


def time_field(view: str) -> bytes:
    return f"_ts:{view}".encode()


def bulk(word: bytes) -> bytes:
    """One word of a Redis command."""
    return b"$%d\r\n%s\r\n" % (len(word), word)


def command(*words: bytes) -> bytes:
    return b"*%d\r\n%s" % (len(words), b"".join(map(bulk, words)))


@lru_cache(maxsize=MOMENTS)
def timestamp_of(moment: Micros) -> bytes:
    """A protobuf Timestamp: seconds and nanoseconds, each left out when it is 0."""
    seconds, micros = divmod(moment, SECOND)
    found = b""
    if seconds:
        # A negative number is written as the positive one that is equal modulo 2^64.
        found += bytes([SECONDS_TAG]) + varint(seconds % (1 << 64))
    if micros:
        found += bytes([NANOS_TAG]) + varint(micros * NANOS)
    return found


@lru_cache(maxsize=MOMENTS)
def micros_in(timestamp: bytes) -> Micros:
    found, at = {SECONDS_TAG: 0, NANOS_TAG: 0}, 0
    while at < len(timestamp):
        tag = timestamp[at]
        found[tag], at = read_varint(timestamp, at + 1)
    seconds = found[SECONDS_TAG]
    if seconds >> 63:
        seconds -= 1 << 64
    return seconds * SECOND + found[NANOS_TAG] // NANOS


def words_of(layout: Layout, columns: Sequence[pa.Array]) -> list[bytes]:
    """Fields and values of every row as words of a command, the time apart.

    Args:
        layout: of the view.
        columns: one array a field, all of one length.
    """
    numbers, rest = stored_order(layout.fields)
    hashes = [field_of(layout.view, layout.fields[n][0]) for n in numbers]
    heads = number_words(hashes, matrix([columns[n] for n in numbers], len(columns[0])))
    if not rest:
        return heads
    tails = [texts(columns[n], word_writer(layout, n)) for n in rest]
    return list(map(b"".join, zip(heads, *tails, strict=True)))


def word_writer(layout: Layout, place: int) -> Callable[[bytes | None], bytes]:
    head = bulk(field_of(layout.view, layout.fields[place][0]))

    def write(text: bytes | None) -> bytes:
        return head + bulk(b"" if text is None else STRING + varint(len(text)) + text)

    return write


def number_words(hashes: Sequence[bytes], values: npt.NDArray[np.float64]) -> list[bytes]:
    """Words of the numbers of each row.

    Args:
        hashes: one hash field a column.
        values: shape (rows, columns).
    """
    rows, columns = values.shape
    if not columns:
        return [b""] * rows
    pattern = b"".join(bulk(one) + bulk(DOUBLE + bytes(8)) for one in hashes)
    laid = np.tile(np.frombuffer(pattern, dtype=np.uint8).reshape(columns, WORD), (rows, 1, 1))
    laid[:, :, AT_DOUBLE:AT_END] = values.astype("<f8").view(np.uint8).reshape(rows, columns, 8)
    gaps = np.isnan(values)
    counts = gaps.sum(axis=1)
    if not counts.any():
        return slices(laid.tobytes(), np.full(rows, columns * WORD))
    laid[:, :, AT_SIZE][gaps] = ord("0")
    kept = np.ones(laid.shape, dtype=np.bool_)
    kept[:, :, AT_TAG:AT_END][gaps] = False
    return slices(laid[kept].tobytes(), columns * WORD - counts * (AT_END - AT_TAG))


def slices(whole: bytes, sizes: npt.NDArray[np.int64]) -> list[bytes]:
    ends = np.cumsum(sizes).tolist()
    return [whole[begin:end] for begin, end in zip([0, *ends[:-1]], ends, strict=True)]


def varint(number: int) -> bytes:
    """Protobuf's variable-length number."""
    found = bytearray()
    while number > 0x7F:  # noqa: PLR2004  seven bits a byte
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def read_varint(message: bytes, at: int) -> tuple[int, int]:
    """The number at a place of a message, and the place after it."""
    number = shift = 0
    while True:
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte <= 0x7F:  # noqa: PLR2004  seven bits a byte
            return number, at


def value_in(message: bytes | None) -> Value:
    """The plain value of a message: a double, a string, or None for a gap."""
    if not message:
        return None
    if message[:1] == DOUBLE:
        (number,) = struct.unpack_from("<d", message, 1)
        return None if math.isnan(number) else float(number)
    size, at = read_varint(message, 1)
    return message[at : at + size].decode()


def converse(connection: Any, payload: bytes, replies: int) -> list[Any]:
    """Send commands over a connection of redis-py and read their replies, in one round trip."""
    try:
        connection.send_packed_command([payload])
        return receive(connection, replies)
    except BaseException:
        # What was not read would answer the next question.
        connection.disconnect()
        raise


def receive(connection: Any, replies: int) -> list[Any]:
    return [connection.read_response(disable_decoding=True) for _ in range(replies)]
