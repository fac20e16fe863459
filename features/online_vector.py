"""One view's row as bytes: its numbers as doubles, then everything else with its length before it.

Little-endian. A gap is NaN among the numbers, as it is in Feast, which writes neither; elsewhere
it is the length `GAP`. Numbers come first whatever the order of the fields, so that they are
taken out in one step.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.online_port import Kind, Layout, Value

GAP = 0xFFFFFFFF
NO_BYTES = struct.pack("<I", GAP)
Vector = tuple[Sequence[float], Sequence[bytes | None]]


def stored_order(fields: Sequence[tuple[str, Kind]]) -> tuple[list[int], list[int]]:
    """Positions of the numbers, and of the rest, among the fields."""
    numbers = [n for n, (_, kind) in enumerate(fields) if kind == "number"]
    return numbers, [n for n, (_, kind) in enumerate(fields) if kind != "number"]


def matrix(columns: Sequence[pa.Array], rows: int) -> npt.NDArray[np.float64]:
    """Columns of doubles side by side, shape (rows, columns), C order; a null is NaN."""
    found = np.empty((rows, len(columns)), dtype="<f8")
    for n, column in enumerate(columns):
        found[:, n] = column.to_numpy(zero_copy_only=False)
    return found


def pack_all(layout: Layout, columns: Sequence[pa.Array]) -> list[bytes]:
    """Pack the rows of a layout out of one array a field; all arrays have the same length."""
    numbers, rest = stored_order(layout.fields)
    rows = len(columns[0]) if columns else 0
    size = 8 * len(numbers)
    packed = matrix([columns[n] for n in numbers], rows).tobytes()
    heads = [packed[at : at + size] for at in range(0, rows * size, size)] if size else [b""] * rows
    if not rest:
        return heads
    tails = [texts(columns[n], counted) for n in rest]
    return list(map(b"".join, zip(heads, *tails, strict=True)))


def texts(column: pa.Array, wrap: Callable[[bytes | None], bytes]) -> list[bytes]:
    """Wrap each string; each different one only once, because categories repeat."""
    found = pc.dictionary_encode(column, null_encoding="encode")
    words = [wrap(word) for word in found.dictionary.cast(pa.binary()).to_pylist()]
    return [words[n] for n in found.indices.to_pylist()]


def counted(word: bytes | None) -> bytes:
    return NO_BYTES if word is None else struct.pack("<I", len(word)) + word


def pack(numbers: Sequence[float], rest: Sequence[bytes | None]) -> bytes:
    """Pack one row, in stored order."""
    return struct.pack(f"<{len(numbers)}d", *numbers) + b"".join(map(counted, rest))


class Unpacker:
    """Takes rows of one layout apart."""

    def __init__(self, fields: Sequence[tuple[str, Kind]]) -> None:
        numbers, rest = stored_order(fields)
        self.names = [fields[n][0] for n in numbers], [fields[n][0] for n in rest]
        self._numbers = struct.Struct(f"<{len(numbers)}d")
        self._rest = len(rest)

    def unpack(self, vector: bytes) -> Vector:
        """Numbers and the rest, in stored order."""
        numbers = self._numbers.unpack_from(vector)
        return numbers, self._words(vector) if self._rest else ()

    def _words(self, vector: bytes) -> list[bytes | None]:
        at, found = self._numbers.size, list[bytes | None]()
        for _ in range(self._rest):
            (size,) = struct.unpack_from("<I", vector, at)
            at += 4
            if size == GAP:
                found.append(None)
            else:
                found.append(vector[at : at + size])
                at += size
        return found

    def chooser(self, features: Sequence[str]) -> Callable[[bytes], list[Value]]:
        """A function from a row to the values of some of its features, None for a gap.

        A feature that the layout has not is a gap.
        """
        names = [*self.names[0], *self.names[1]]
        count = len(self.names[0])
        places = [names.index(name) if name in names else len(names) for name in features]
        plain = count == len(names) and places == list(range(len(names)))

        def choose(vector: bytes) -> list[Value]:
            numbers, rest = self.unpack(vector)
            # NaN, a gap, is the one value that differs from itself: cheaper than math.isnan
            values: list[Value] = [n if n == n else None for n in numbers]  # noqa: PLR0124
            if plain:
                return values
            values += [None if word is None else word.decode() for word in rest]
            values.append(None)  # what the layout has not
            return list(map(values.__getitem__, places))

        return choose
