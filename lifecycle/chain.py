"""A chain of rows: each carries the hash of the one before it, so that a tampered one is found.

The hash has no key. Whoever may write the database and computes every later hash anew leaves no
trace in it: keep the newest hash (`onramp history --verify` prints it) where they cannot write.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FIRST = ""  # what the first row carries in place of a hash
HASHED = (
    "number", "at", "actor", "task", "decision", "why", "version", "previous", "evidence", "before",
)  # fmt: skip

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A place where the chain does not hold: the row's number, and what is wrong with it."""

    number: int
    what: str


def digest(row: Row) -> str:
    """SHA-256 over the row's values as they are stored, in the order of `HASHED`."""
    values = json.dumps([row[name] for name in HASHED], separators=(",", ":"), default=repr)
    return hashlib.sha256(values.encode()).hexdigest()


def broken(rows: Iterable[Row], last: int) -> Iterator[Broken]:
    """Every place where the chain does not hold, in the order of the rows.

    Args:
        rows: with the columns of `HASHED` and `hash`, by number.
        last: the highest number that was ever given, which shows that the newest rows are gone.
    """
    before, expected = FIRST, 1
    for row in rows:
        number = row["number"]
        yield from missing(expected, number - 1)
        if number < expected:
            yield Broken(number=number, what="no row was ever given this number: it was inserted")
        if digest(row) != row["hash"]:
            yield Broken(number=number, what="its values are not those its hash was made of")
        # a gap was named already; what follows it cannot fit
        if number == expected and row["before"] != before:
            yield Broken(number=number, what=f"it does not follow row {number - 1} as that is now")
        if number > last:
            yield Broken(number=number, what="no row was ever given this number: it was inserted")
        before, expected = row["hash"], max(expected, number + 1)
    yield from missing(expected, last)


def missing(first: int, last: int) -> Iterator[Broken]:
    """The numbers from `first` to `last`, which no row has."""
    for number in range(first, last + 1):
        yield Broken(number=number, what="it was removed")
