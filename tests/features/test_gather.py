from __future__ import annotations

import math
import random
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.build import build
from features.tables import tables
from lifecycle.dataset import Column
from lifecycle.errors import DataError
from lifecycle.home import Home
from tests.features.canonical import (
    AS_OF,
    DAYS,
    START,
    TOML,
    Log,
    Row,
    alive,
    days,
    event,
    fill,
    random_log,
    settle,
)
from tests.features.reference import reference
from tests.features.test_sql import equal

ODD_VALUES = [math.inf, -math.inf, math.nan, 1e300, None]


def odd_log(seed: int) -> Log:
    """A random log with rows that no clock and no sender should have made."""
    dice = random.Random(seed)  # noqa: S311 - dice, no secret
    customers, events = random_log(seed, customers=25)
    for row in dice.sample(events, 60):
        ahead = days(dice.choice([0.0001, 2]))
        events += [
            {**row, "event_id": "twice"},
            {**row, "received_at": row["occurred_at"] - ahead},
            {**row, "occurred_at": row["occurred_at"] + days(100)},
            {**row, "event": "unheard_of"},
            {**row, "customer_id": "日本 'nobody'"},
            {**row, "value": dice.choice(ODD_VALUES), "item": ""},
        ]
    return customers, [*events, *(alive(START + days(n)) for n in range(76))]


def stored(home: Home, view: int) -> pa.Table:
    table = tables(home, home.dataset())[view]
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        return db.sql(
            f"SELECT * FROM read_parquet('{table.pattern}') ORDER BY event_timestamp, customer_id"
        ).to_arrow_table()


def test_small_chunks_day_by_day_leave_what_one_build_leaves(tmp_path: Path) -> None:
    """Rows delivered as they are received, built in chunks of 30, equal one build of all at once.

    And these equal plain Python, with late, early, doubled, future, unknown and infinite rows.
    """
    customers, events = odd_log(seed=0)
    home, whole = settle(tmp_path / "home"), settle(tmp_path / "whole")
    dice = random.Random(0)  # noqa: S311 - dice, no secret
    times = sorted(START + days(dice.random() * 75) for _ in range(2))
    done, parts = START - days(1000), []
    for as_of in (*times, AS_OF):
        fill(home, *(received(rows, done, as_of) for rows in (customers, events)))
        report = build(home, moments_days=DAYS, as_of=as_of, chunk=30)
        parts.append(report.views[0].parts)
        done = as_of
    assert max(parts) > 1
    fill(whole, customers, events)
    build(whole, moments_days=DAYS, as_of=AS_OF)
    for view in (0, 1):
        ours, theirs = stored(home, view), stored(whole, view)
        snapshots = pa.array(times, pa.timestamp("us", tz="UTC"))
        assert ours.filter(pc.invert(pc.is_in(ours["event_timestamp"], snapshots))).equals(theirs)
        for row in dice.sample(theirs.to_pylist(), 25):
            assert_plain(home, view, row, (customers, events))


def received(rows: list[Row], after: object, until: object) -> list[Row]:
    return [row for row in rows if after < row["received_at"] <= until]


def assert_plain(home: Home, view: int, row: Row, log: Log) -> None:
    versions = [c for c in log[0] if c["customer_id"] == row["customer_id"]]
    words = home.dataset().vocabulary.events
    own = [e for e in log[1] if e["customer_id"] == row["customer_id"] and e["event"] in words]
    start = min(versions, key=lambda c: c["received_at"])["signed_up_at"]
    for feature in tables(home, home.dataset())[view].features:
        expected = reference(feature, row["event_timestamp"], start, own, versions)
        assert equal(row[feature.name], expected), (feature.name, row[feature.name], expected)


def test_a_customer_with_more_moments_than_a_chunk_is_not_cut(tmp_path: Path) -> None:
    """Whole customers go into a chunk, however small it is."""
    home = settle(tmp_path / "home")
    people, _ = random_log(seed=5, customers=4)
    fill(home, people, [alive(AS_OF), event(people[0]["customer_id"], "login", AS_OF)])
    report = build(home, moments_days=DAYS, as_of=AS_OF, chunk=1)
    assert report.views[0].parts == 4
    assert stored(home, 0).num_rows == report.moments


# Names of our own columns and relations, and what a prefix of ours makes of another name.
OUR_NAMES = (
    "k", "age", "after", "first", "since", "chunk", "n", "moment", "last", "customers",
    "moments", "seen", "facts", "counted", "version", "profile", "nearest", "latest", "of item",
    "fact_0", "windows_0", "signed_up_at", "people", "e", "m", "p", "item exact", "Moment of 'é'",
)  # fmt: skip


def named_as_ours() -> str:
    """The toy data set with every one of these names as a category, a number and in profiles."""
    words = "".join(
        f'"{name}" = {{ type = "category", meaning = "a word" }}\n' for name in OUR_NAMES
    )
    numbers = "".join(
        f'"{name} 2" = {{ type = "number", meaning = "a number" }}\n' for name in OUR_NAMES
    )
    numbers += "".join(
        f'"{name}" = {{ type = "number", meaning = "a number" }}\n' for name in SWAPPED
    )
    facts = "".join(
        f'"{name}" = {{ type = "category", meaning = "a fact" }}\n'
        for name in (*OUR_NAMES, *SWAPPED)
        if name not in {"signed_up_at", "age"}
    )
    return TOML.replace("[profile]\n", f"{words}{numbers}\n[profile]\n{facts}")


# Of numbers the build makes other columns.
SWAPPED = ("exact of value", "value exact", "sum_0_1", "n_1_7", "least", "queue", "events")


@pytest.mark.parametrize("chunk", [40, 1000])
def test_a_column_may_be_called_as_ours(chunk: int, tmp_path: Path) -> None:
    """Properties and profile columns of any name give what plain Python gives, in chunks too."""
    home = settle(tmp_path / "home", named_as_ours())
    dice = random.Random(2)  # noqa: S311 - dice, no secret
    people, happened = random_log(seed=2, customers=12)
    given = home.dataset()
    people = [with_values(row, given.profile, dice) for row in people]
    happened = [with_values(row, given.properties, dice) for row in happened]
    fill(home, people, [*happened, alive(AS_OF)])
    build(home, moments_days=DAYS, as_of=AS_OF, chunk=chunk)
    for view in (0, 1):
        for row in dice.sample(stored(home, view).to_pylist(), 15):
            assert_plain(home, view, row, (people, happened))


def with_values(row: Row, columns: Mapping[str, Column], dice: random.Random) -> Row:
    values = {
        name: dice.choice([None, "a", "b"] if column.type == "category" else [None, 1.5, 0.1])
        for name, column in columns.items()
        if name not in {*row, "newsletter", "age"}
    }
    return {**row, **values}


@pytest.mark.parametrize("name", ["event", "Occurred_At", "onramp_chunk", "ITEM"])
def test_a_property_that_is_another_column_is_refused(name: str, tmp_path: Path) -> None:
    """One table cannot have two columns of a name, in whatever capitals; the error says which."""
    column = f'"{name}" = {{ type = "number", meaning = "wrong" }}'
    toml = TOML.replace("[profile]\n", f"{column}\n[profile]\n")
    home = settle(tmp_path / "home", toml)
    with pytest.raises(DataError, match=rf"No column of \[properties\] can be named '{name}' in"):
        tables(home, home.dataset())
