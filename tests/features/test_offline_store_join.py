from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.offline_store_join import Engine, join
from features.offline_store_sql import History
from lifecycle.errors import Busy, NotReady

START = datetime(2026, 3, 29, tzinfo=UTC)  # the night in which European clocks jump
TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("ts", TIME),
        ("created", TIME),
        ("id", pa.int64()),
        ("word", pa.string()),
    ]
)
ASKED = pa.schema([("who", pa.string()), ("t", TIME)])

PAIRED, SORTED = Engine(paired=10**9), Engine(paired=0)

Row = dict[str, Any]


def tick(number: int) -> datetime:
    return START + timedelta(microseconds=number)


@dataclass(frozen=True)
class Case:
    """Parts of a view, entity rows and how they are joined."""

    parts: list[list[Row]]
    asked: list[Row]
    ttl: timedelta | None
    known_only: bool
    has_created: bool


KEYS = st.sampled_from(["a", "b", "ü", "日本", "", None])
TICKS = st.integers(-12, 12).map(tick)
ROWS = st.fixed_dictionaries(
    {
        "key": KEYS, "ts": TICKS, "created": st.none() | TICKS,
        "word": st.sampled_from([None, "x", "é"]),
    }
)  # fmt: skip
CASES = st.builds(
    Case,
    parts=st.lists(st.lists(ROWS, max_size=8), min_size=1, max_size=4),
    asked=st.lists(
        st.fixed_dictionaries({"who": KEYS | st.just("nobody"), "t": st.none() | TICKS}), max_size=9
    ),
    ttl=st.sampled_from([None, timedelta(microseconds=1), timedelta(microseconds=5)]),
    known_only=st.booleans(),
    has_created=st.booleans(),
)


def write(folder: Path, parts: Sequence[Sequence[Row]]) -> None:
    """Write the parts, each row with an id of its own that rises as the parts are read."""
    number = 0
    for name, part in enumerate(parts):
        rows = [{**row, "id": number + n} for n, row in enumerate(part)]
        number += len(part)
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), folder / f"{name:03d}.parquet")


def history(folder: Path, **changed: Any) -> History:
    whole = History(
        name="view", pattern=str(folder / "*.parquet"), keys={"key": "who"}, time="ts",
        created="created", features={"id": "id", "the word_y": "word"}, ttl=None, known_only=False,
    )  # fmt: skip
    return replace(whole, **changed)


def answer_by_hand(case: Case, who: str | None, t: datetime | None) -> Row | None:
    """The rule, row by row: the newest row that may answer, or none."""
    best: tuple[Any, ...] | None = None
    chosen = None
    rows = [row for part in case.parts for row in part]
    for number, row in enumerate(rows):
        if t is None or who is None or row["key"] != who or row["ts"] > t:
            continue
        if case.ttl is not None and row["ts"] + case.ttl < t:
            continue
        created = row["created"] if case.has_created else None
        if case.has_created and case.known_only and (created is None or created > t):
            continue
        rank = (row["ts"], created is not None, created or START, number)
        if best is None or rank > best:
            best, chosen = rank, {**row, "id": number}
    return chosen


def joined(engine: Engine, asked: pa.Table, *histories: History) -> list[Row]:
    found: list[Row] = join(engine, asked, asked["t"], histories).to_pylist()
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CASES)
def test_both_ways_equal_the_rule_row_by_row(case: Case) -> None:
    """Whatever ties, late rows, gaps, twins, strangers and empty sides: each row gets its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, case.parts)
        view = history(
            folder, ttl=case.ttl, known_only=case.known_only,
            created="created" if case.has_created else None,
        )  # fmt: skip
        expected = []
        for row in case.asked:
            own = answer_by_hand(case, row["who"], row["t"]) or {}
            expected.append({**row, "id": own.get("id"), "the word_y": own.get("word")})
        asked = pa.Table.from_pylist(case.asked, schema=ASKED)
        assert joined(PAIRED, asked, view) == expected
        assert joined(SORTED, asked, view) == expected


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two parts, the later time in the earlier one."""
    one: Row = {"key": "a", "ts": tick(10), "created": tick(10), "word": "later"}
    write(tmp_path, [[one], [{**one, "ts": tick(0), "created": tick(20), "word": "late"}]])
    return tmp_path


def ask(*ticks: int) -> pa.Table:
    return pa.Table.from_pylist([{"who": "a", "t": tick(n)} for n in ticks], schema=ASKED)


@pytest.mark.parametrize("engine", [PAIRED, SORTED])
def test_a_row_that_came_late_never_displaces_a_newer_event(engine: Engine, folder: Path) -> None:
    """At 20 the row of 0 becomes known; that of 10 is newer and stays the answer."""
    found = joined(engine, ask(0, 9, 10, 19, 20, 99), history(folder, known_only=True))
    assert [row["the word_y"] for row in found] == [None, None, *["later"] * 4]


def test_each_view_answers_for_itself(folder: Path) -> None:
    """Views of different age limits stand beside each other, entity rows keep their order."""
    short = history(folder, ttl=timedelta(microseconds=3), features={"young": "word"})
    found = joined(PAIRED, ask(14, 0, 13, 14), history(folder), short)
    assert [row["young"] for row in found] == [None, "late", "later", None]
    assert [row["the word_y"] for row in found] == ["later", "late", "later", "later"]


def test_a_view_without_keys_answers_everybody(folder: Path) -> None:
    """One history for all: the newest row by the time, whoever asks."""
    asked = pa.Table.from_pylist([{"who": "x", "t": tick(5)}, {"who": None, "t": tick(11)}])
    found = joined(PAIRED, asked, history(folder, keys={}))
    assert [row["the word_y"] for row in found] == ["late", "later"]
    assert joined(SORTED, asked, history(folder, keys={})) == found


def test_two_keys_must_both_match(tmp_path: Path) -> None:
    """A pair of keys is one key; categories of pandas' are compared by their words."""
    rows = [("a", "x", 1), ("a", "y", 2), ("ax", "", 3)]
    table = pa.table(
        {"k": [r[0] for r in rows], "l": [r[1] for r in rows], "v": [r[2] for r in rows],
         "ts": pa.array([tick(0)] * 3, TIME)}
    )  # fmt: skip
    pq.write_table(table, tmp_path / "0.parquet")
    asked = pa.table(
        {"one": pa.array(["a", "a", "ax", "y"]).dictionary_encode(), "two": ["y", "x", "", "a"],
         "t": pa.array([tick(0)] * 4, TIME)}
    )  # fmt: skip
    view = history(tmp_path, keys={"k": "one", "l": "two"}, features={"v": "v"}, created=None)
    for engine in (PAIRED, SORTED):
        assert [row["v"] for row in joined(engine, asked, view)] == [2, 1, 3, None]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_parts_of_any_time_type_mean_the_same(unit: str, zone: str | None, tmp_path: Path) -> None:
    """Times in any unit, naive (UTC) or in a zone, are the instants that they name."""
    hours = [START + timedelta(hours=n) for n in range(4)]
    times = pa.array(hours, TIME).cast(pa.timestamp(unit, tz="UTC")).cast(pa.timestamp(unit, zone))
    table = pa.table({"key": ["a"] * 4, "ts": times, "created": times, "word": list("0123")})
    pq.write_table(table, tmp_path / "0.parquet")
    asked = pa.table({"who": ["a", "a"], "t": pa.array([hours[0], hours[2]], TIME)})
    view = history(tmp_path, features={"word": "word"}, ttl=timedelta(minutes=1), known_only=True)
    for engine in (PAIRED, SORTED):
        assert [row["word"] for row in joined(engine, asked, view)] == ["0", "2"]


def test_thousands_of_parts_cost_no_more_than_their_rows(tmp_path: Path) -> None:
    """Two thousand parts answer, each row from its own part, within a small memory."""
    for n in range(2000):
        rows = [{"key": f"c{n % 500}", "ts": tick(n), "created": tick(n), "word": str(n), "id": n}]
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), tmp_path / f"{n:05d}.parquet")
    asked = pa.Table.from_pylist(
        [{"who": f"c{n % 500}", "t": tick(n + 1)} for n in range(0, 2000, 7)], schema=ASKED
    )
    found = joined(Engine(memory_limit="200MB"), asked, history(tmp_path))
    assert [row["id"] for row in found] == list(range(0, 2000, 7))


def test_a_view_without_parts_says_so(tmp_path: Path) -> None:
    """No file is no answer: the view was not built."""
    with pytest.raises(
        NotReady, match=r"view has no parts\. No file at .*Build its features first"
    ):
        joined(PAIRED, ask(0), history(tmp_path))


def one_part(folder: Path, order: Sequence[str]) -> None:
    """A part of one row a key, in this order, that appears by rename as ours do."""
    rows = [{"key": key, "ts": tick(0), "created": tick(0), "word": f"{key}'s"} for key in order]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), folder / "new")
    (folder / "new").replace(folder / "000.parquet")


@pytest.mark.parametrize("engine", [PAIRED, SORTED])
@pytest.mark.parametrize("left", [["b", "c", "a"], ["c"]], ids=["as many rows", "fewer rows"])
def test_a_part_written_anew_between_the_passes_gives_nobody_elses_row(
    engine: Engine, left: list[str], tmp_path: Path
) -> None:
    """The rows moved to other numbers, or are fewer: what answers is what lies there now."""
    one_part(tmp_path, ["a", "b", "c"])
    rewrites = iter([left])
    asked = pa.Table.from_pylist([{"who": who, "t": tick(1)} for who in "abc"], schema=ASKED)
    view = history(tmp_path, features={"word": "word"})

    def rewrite() -> None:
        for order in rewrites:
            one_part(tmp_path, order)

    found = join(engine, asked, asked["t"], [view], between=rewrite)["word"].to_pylist()
    assert found == [f"{who}'s" if who in left else None for who in "abc"]


def test_parts_that_never_stay_are_told(tmp_path: Path) -> None:
    """Who writes them anew each time gets no answer, and the error says what to do."""
    one_part(tmp_path, ["a"])
    with pytest.raises(Busy, match=r"view do not stay .* each of 5 attempts .*Try again when"):
        join(
            PAIRED, ask(1), ask(1)["t"], [history(tmp_path)],
            between=lambda: one_part(tmp_path, ["a"]),
        )  # fmt: skip
