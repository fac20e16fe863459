"""Load an online file in batches, and read one service's features out of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, compress, repeat

from features.online_file import Found, OnlineFile, Row, number_of, upsert
from features.online_keys import Keys
from features.online_port import Answer, Asked, Batch, Layout, Micros, Rows, Span, Value
from features.online_vector import Unpacker, pack_all

Choose = Callable[[bytes], list[Value]]


class FileLoader:
    """Loads batches into an online file; see `online_port.Loader`."""

    def __init__(self, file: OnlineFile) -> None:
        self.file = file

    def loaded(self, layout: Layout) -> Mapping[str, Span]:
        with self.file.writing() as connection:
            _, number = number_of(connection, layout)
            rows = connection.execute(
                "SELECT part, first, last, begin_us, end_us FROM loaded WHERE layout = ?", [number]
            )
            return {
                part: Span(first=first, last=last, begin=begin, end=end)
                for part, first, last, begin, end in rows
            }

    def write(self, batch: Batch) -> Mapping[str, int]:
        keys = Keys(batch.views[0].layout.join_key).of_all(names_of(batch))
        packed = [pack_all(rows.layout, rows.columns) for rows in batch.views]
        taken = {}
        with self.file.writing() as connection:
            for rows, vectors in zip(batch.views, packed, strict=True):
                numbers = number_of(connection, rows.layout)
                forget_loads(connection, *numbers)
                taken[rows.layout.view] = upsert(connection, lines(keys, numbers, rows, vectors))
        return taken

    def remember(self, layout: Layout, parts: Mapping[str, Span]) -> None:
        with self.file.writing() as connection:
            view, number = number_of(connection, layout)
            forget_loads(connection, view)
            connection.executemany(
                "INSERT INTO loaded VALUES (?, ?, ?, ?, ?, ?)",
                [(number, part, s.first, s.last, s.begin, s.end) for part, s in parts.items()],
            )


def forget_loads(connection: sqlite3.Connection, view: int, keep: int | None = None) -> None:
    """Forget what is loaded of a view by other definitions: of none is anything whole any more."""
    connection.execute(
        "DELETE FROM loaded WHERE layout IN"
        " (SELECT id FROM layouts WHERE view = ? AND id IS NOT ?)",
        [view, keep],
    )


def names_of(batch: Batch) -> list[bytes]:
    names: list[bytes] = batch.customer_ids.cast("binary").to_pylist()
    return names


def lines(
    keys: Sequence[bytes], numbers: tuple[int, int], rows: Rows, vectors: Sequence[bytes]
) -> Iterable[Row]:
    """Rows of `vectors`, of the customers who have one."""
    view, layout = numbers
    times, created = rows.times.to_pylist(), rows.created.to_pylist()
    every = zip(keys, repeat(view), repeat(layout), times, created, vectors, strict=False)
    return compress(every, rows.times.is_valid().to_pylist()) if rows.times.null_count else every


class FileReader:
    """Reads one service's features out of an online file; see `online_port.Reader`."""

    def __init__(self, file: OnlineFile, asked: Sequence[Asked]) -> None:
        self.file = file
        self.keys = Keys(asked[0].layout.join_key)
        self.asked = asked
        self._gaps = [[None] * len(one.features) for one in asked]
        # Layout → place of its view among `asked`, and how to choose; None: not asked for.
        self._choices: dict[int, tuple[int, Choose] | None] = {}

    def read(self, customer_ids: Sequence[str]) -> Sequence[Answer]:
        keys = [self.keys.of(customer_id) for customer_id in customer_ids]
        found = self.file.find(keys)
        return [self._answer(found[key]) for key in keys]

    def _answer(self, rows: Sequence[Found]) -> Answer:
        parts: list[Sequence[Value]] = list(self._gaps)
        moments: list[Micros | None] = [None] * len(parts)
        for layout, moment, vector in rows:
            choice = self._choices[layout] if layout in self._choices else self._choice(layout)
            if choice is not None:
                place, choose = choice
                parts[place], moments[place] = choose(vector), moment
        return list(chain(*parts)), moments

    def _choice(self, number: int) -> tuple[int, Choose] | None:
        *which, fields = self.file.layout(number)
        wanted = [
            [one.layout.project, one.layout.view, one.layout.definition] for one in self.asked
        ]
        choice = None
        if which in wanted:
            place = wanted.index(which)
            choice = place, Unpacker(fields).chooser(self.asked[place].features)
        self._choices[number] = choice
        return choice
