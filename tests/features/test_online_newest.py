"""Incremental loads against a plain model of what the store must hold."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.online_file import OnlineFile
from features.online_file_rows import FileLoader, FileReader
from features.online_newest import Source, batches, grown, open_database, part_name, wanted_of
from features.online_port import Asked, Layout, Span
from features.online_time import micros_of
from lifecycle.errors import DataError
from tests.features.online_world import FIELDS, NOW, marker, write_part

SECOND = timedelta(seconds=1)
WINDOW = 5 * SECOND
LAYOUTS = {
    view: Layout(
        project="shop", view=view, join_key="customer_id", definition="d1", marker=marker(view),
        fields=(
            *((name, "number" if dtype.name == "DOUBLE" else "category")
              for name, dtype in ((n, t.to_value_type()) for n, t in fields.items())),
            (marker(view), "number"),
        ),
    )
    for view, fields in FIELDS.items()
}  # fmt: skip


class Disk:
    """A folder of parts, and an online store that they are loaded into."""

    def __init__(self, root: Path) -> None:
        self.root = root
        file = OnlineFile(root / "online.db")
        self.loader = FileLoader(file)
        asked = [Asked(layout=LAYOUTS[view], features=tuple(FIELDS[view])) for view in FIELDS]
        self.reader = FileReader(file, asked)

    def load(self, end: datetime, *, killed_after: int | None = None) -> int:
        """Load as `materialization.load` does; rows sent. Killed, it remembers nothing."""
        sent = 0
        with open_database(self.root / "scratch") as db:
            span = micros_of(end - WINDOW), micros_of(end)
            wanted = [wanted_of(db, self.source(layout), *span) for layout in LAYOUTS.values()]
            for number, batch in enumerate(batches(db, wanted)):
                if number == killed_after:
                    return sent
                self.loader.write(batch)
                sent += sum(len(rows.times) - rows.times.null_count for rows in batch.views)
        for one in wanted:
            self.loader.remember(one.layout, one.parts)
        return sent

    def source(self, layout: Layout) -> Source:
        parts = {part_name(path): path for path in (self.root / layout.view).glob("*.parquet")}
        return Source(layout=layout, parts=parts, known=self.loader.loaded(layout))

    def visits(self, names: Sequence[str]) -> list[Any]:
        return [values[0] for values, _ in self.reader.read(names)]


def row(name: str, moment: datetime, value: float, made: datetime = NOW) -> Mapping[str, Any]:
    return {
        "customer_id": name, "event_timestamp": moment, "created_at": made, "visits": value,
        "kind": f"v{value:g}", "spent": -value, "country": f"v{value:g}", "age": value,
    }  # fmt: skip


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_the_newest_row_of_each_view_is_loaded_once(disk: Disk) -> None:
    """The last by time, then by creation; a second load finds nothing to do."""
    rows = [
        row("é", NOW - SECOND, 1), row("é", NOW, 2, NOW - SECOND), row("é", NOW, 3),
        row("b" * 300, NOW - WINDOW, 4), row("late", NOW - WINDOW - SECOND / 1000, 5),
        row("early", NOW + SECOND / 1000, 6),
    ]  # fmt: skip
    write_part(disk.root, "behaviour", rows, "1")
    write_part(disk.root, "profile", rows[:1], "1")
    assert disk.load(NOW) == 3
    assert disk.visits(["é", "b" * 300, "late", "early"]) == [3.0, 4.0, None, None]
    assert disk.reader.read(["é"])[0][0] == [3.0, "v3", -3.0, "v1", 1.0]
    assert disk.load(NOW) == 0


def test_only_what_is_new_is_read_again(disk: Disk) -> None:
    """A later end brings the rows in between, a late part its rows, a rewritten part all of it."""
    write_part(disk.root, "behaviour", [row("a", NOW, 1), row("b", NOW + SECOND, 2)], "1")
    assert disk.load(NOW) == 1
    assert disk.load(NOW + SECOND) == 1
    write_part(disk.root, "behaviour", [row("c", NOW - SECOND, 3), row("a", NOW - SECOND, 0)], "0")
    assert disk.load(NOW + SECOND) == 2
    assert disk.visits(["a", "b", "c"]) == [1.0, 2.0, 3.0]
    write_part(disk.root, "behaviour", [row("a", NOW, 9), row("b", NOW + SECOND, 8.5)], "1")
    assert disk.load(NOW + SECOND) == 2
    assert disk.visits(["a", "b", "c"]) == [9.0, 8.5, 3.0]


def test_a_load_that_was_cut_is_made_good(disk: Disk) -> None:
    """What was not remembered as loaded is loaded the next time."""
    write_part(disk.root, "behaviour", [row(f"{n}", NOW, n) for n in range(9)], "1")
    assert disk.load(NOW, killed_after=0) == 0
    assert disk.load(NOW) == 9


def test_another_definition_is_loaded_anew(disk: Disk) -> None:
    """The record of what is loaded belongs to the definition that it was loaded by."""
    write_part(disk.root, "behaviour", [row("a", NOW, 1)], "1")
    disk.load(NOW)
    assert disk.loader.loaded(LAYOUTS["behaviour"])
    other = Layout(**{**vars(LAYOUTS["behaviour"]), "definition": "d2"})
    assert disk.loader.loaded(other) == {}


STEP = st.one_of(
    st.tuples(st.just("load"), st.integers(0, 12)),
    st.tuples(
        st.just("part"),
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=6),
    ),
)


@settings(max_examples=12, deadline=None)
@given(steps=st.lists(STEP, min_size=2, max_size=7))
def test_any_order_of_parts_and_loads_leaves_what_a_model_says(
    steps: list[tuple[str, Any]],
) -> None:
    """After each load the store holds, of each customer, the newest row that any load could see."""
    names = [f"c{n}" for n in range(4)]
    written: list[tuple[int, datetime, float]] = []
    holds: dict[int, tuple[datetime, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(Path(folder))
        for number, (step, what) in enumerate(steps):
            if step == "part":
                # Each value is its own creation time, so that there are no ties.
                rows = [
                    (who, NOW + at * SECOND, float(100 * number + n))
                    for n, (who, at) in enumerate(what)
                ]
                written += rows
                write_part(
                    disk.root, "behaviour",
                    [row(names[w], at, v, NOW + v * SECOND) for w, at, v in rows], f"{number}",
                )  # fmt: skip
                continue
            end = NOW + what * SECOND
            disk.load(end)
            for who, at, value in written:
                if end - WINDOW <= at <= end:
                    holds[who] = max(holds.get(who, (at, value)), (at, value))
            wanted = [holds[n][1] if n in holds else None for n in range(4)]
            assert disk.visits(names) == wanted


@pytest.mark.parametrize(
    ("begin", "end", "lacks"),
    [(0, 3, False), (4, 5, True), (5, 9, True), (6, 9, False), (0, 20, True), (21, 30, False),
     (7, 8, False)],
)  # fmt: skip
def test_what_a_part_lacks(begin: int, end: int, lacks: bool) -> None:
    """A part with rows from 5 to 20, loaded from 6 to 10; asked for moments in between."""
    assert Span(first=5, last=20, begin=6, end=10).lacks(begin, end) is lacks


def test_a_gap_is_never_taken_for_loaded() -> None:
    """Two loads that touch are one; of two that do not, the later counts."""
    span = Span(first=0, last=99, begin=10, end=20)
    assert (grown(span, 21, 30).begin, grown(span, 21, 30).end) == (10, 30)
    assert (grown(span, 22, 30).begin, grown(span, 22, 30).end) == (22, 30)
    assert (grown(span, 12, 15).begin, grown(span, 12, 15).end) == (10, 20)


def test_a_feature_of_another_type_is_refused(disk: Disk) -> None:
    """Only numbers and categories are built; anything else is said, not guessed."""
    write_part(disk.root, "profile", [row("a", NOW, 1)], "1")
    layout = Layout(**{**vars(LAYOUTS["profile"]), "fields": (("age", "other"),)})
    with open_database(disk.root / "scratch") as db:
        wanted = wanted_of(db, disk.source(layout), 0, micros_of(NOW))
        with pytest.raises(
            DataError, match=r"'age' of profile cannot be loaded.*Float64 or String"
        ):
            list(batches(db, [wanted]))
