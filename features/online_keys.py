"""Feast's entity key, version 3, of an entity with one string key.

Source: `feast.infra.key_encoding_utils.serialize_entity_key`. The key is the number of join keys,
then type, length and name of the join key, then type, length and value, all little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

STRING = 2


class Keys:
    """Entity keys by customer.

    Args:
        join_key: the name of the entity's key.
        suffix: follows each key; Feast's Redis keys end in the project's name.
    """

    def __init__(self, join_key: str, suffix: bytes = b"") -> None:
        name = join_key.encode()
        self.head = struct.pack("<III", 1, STRING, len(name)) + name + struct.pack("<I", STRING)
        self.suffix = suffix
        self._heads: dict[int, bytes] = {}

    def of(self, customer_id: str) -> bytes:
        # A lone surrogate is no text that anybody can have stored, and no reason to fail.
        return self.of_bytes(customer_id.encode("utf-8", "surrogatepass"))

    def of_bytes(self, name: bytes) -> bytes:
        size = len(name)
        head = self._heads.get(size)
        if head is None:
            head = self._heads[size] = self.head + struct.pack("<I", size)
        return head + name + self.suffix

    def of_all(self, names: Iterable[bytes]) -> list[bytes]:
        return [self.of_bytes(name) for name in names]
