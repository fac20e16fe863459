"""Things made once and kept while they fit into memory: the longest unused go first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

T = TypeVar("T")


class Held:
    """A cache bounded by bytes, because one fold may be a megabyte and another a hundred.

    Attributes:
        most: bytes held at most; the newest entry is kept though it is larger.
        nbytes: bytes held now, as whoever made them says.
    """

    def __init__(self, most: int) -> None:
        self.most, self.nbytes = most, 0
        self._entries: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable, make: Callable[[], tuple[T, int]]) -> T:
        """The entry of this key, made where it is not held.

        Args:
            key: names one type of value for ever.
            make: yields the value and its size in bytes.
        """
        if key not in self._entries:
            self._entries[key] = made = make()
            self.nbytes += made[1]
        self._entries.move_to_end(key)
        while self.nbytes > self.most and len(self._entries) > 1:
            _, (_, size) = self._entries.popitem(last=False)
            self.nbytes -= size
        return cast("T", self._entries[key][0])
