from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.leakage import World, compute
from features.tables import Table, tables
from lifecycle.dataset import DataSet
from lifecycle.home import open_home
from tests.features.canonical import START, TOML, Row, customer, days, event, table_of
from tests.features.reference import reference

HOME = open_home(Path("/nowhere"))
TOY = DataSet.model_validate(tomllib.loads(TOML))
TABLES = tables(HOME, TOY)

WORDS = [*TOY.vocabulary.events, "unheard_of"]
GRID = [-40, -2, 0, 1, 6, 7, 14, 23, 29, 30]
JITTER = [0, 0, 1, -1, 999_999, 3_600_000_000]
LATE = [0, 0, 1, 1_000_000, 86_400_000_000, -5_000_000]


@st.composite
def times(draw: st.DrawFn) -> timedelta:
    """Offsets that meet the edges of windows, miss them by a microsecond, and tie."""
    return days(draw(st.sampled_from(GRID))) + timedelta(microseconds=draw(st.sampled_from(JITTER)))


@st.composite
def events(draw: st.DrawFn, names: Sequence[str]) -> list[Row]:
    rows = []
    for _ in range(draw(st.integers(0, 14))):
        when = START + draw(times())
        rows.append(
            event(
                draw(st.sampled_from(names)),
                draw(st.sampled_from(WORDS)),
                when,
                received_at=when + timedelta(microseconds=draw(st.sampled_from(LATE))),
                session_id=draw(st.sampled_from([None, "s1", "s2"])),
                item=draw(st.sampled_from([None, "a", "ä", ""])),
                value=draw(
                    st.one_of(
                        st.none(),
                        st.sampled_from([math.inf, -math.inf, math.nan, 1e300]),
                        st.integers(-(10**9), 10**9).map(lambda cents: cents / 100),
                    )
                ),
            )
        )
    return rows


@st.composite
def profiles(draw: st.DrawFn, names: Sequence[str]) -> list[Row]:
    return [
        customer(
            name,
            START,
            received_at=START + received,
            country=draw(st.sampled_from([None, "de", "日本"])),
            age=draw(st.sampled_from([None, 33.0, math.inf])),
            newsletter=draw(st.sampled_from([None, True, False])),
        )
        for name in names
        for received in draw(st.lists(times(), unique=True, max_size=3))
    ]


def world(moments: Sequence[Row], customers: Sequence[Row], log: Sequence[Row]) -> World:
    """Relations as the event store shows them: naive UTC."""
    stamp = pa.timestamp("us")
    asked = pa.table(
        {
            "k": list(range(len(moments))),
            "customer_id": [m["customer_id"] for m in moments],
            "moment": pa.array([m["moment"].replace(tzinfo=None) for m in moments], stamp),
            "signed_up_at": pa.array([START.replace(tzinfo=None)] * len(moments), stamp),
        }
    )
    return World(
        asked, naive(table_of(log, "events", TOY)), naive(table_of(customers, "customers", TOY))
    )


def naive(table: pa.Table) -> pa.Table:
    fields = [
        pa.field(f.name, pa.timestamp("us")) if pa.types.is_timestamp(f.type) else f
        for f in table.schema
    ]
    return table.cast(pa.schema(fields))


def equal(found: object, expected: object) -> bool:
    if isinstance(found, float) and isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-9)
    return found == expected


def assert_equal_to_reference(
    table: Table, moments: Sequence[Row], customers: Sequence[Row], log: Sequence[Row]
) -> None:
    rows = compute(world(moments, customers, log), table)
    found = {(row["customer_id"], row["event_timestamp"]): row for row in rows.to_pylist()}
    assert len(found) == len(moments)
    for asked in moments:
        name, moment = asked["customer_id"], asked["moment"]
        own = [e for e in log if e["customer_id"] == name and e["event"] in TOY.vocabulary.events]
        versions = [c for c in customers if c["customer_id"] == name]
        row = found[name, moment.replace(tzinfo=None)]
        for feature in table.features:
            expected = reference(feature, moment, START, own, versions)
            assert equal(row[feature.name], expected), (feature.name, row[feature.name], expected)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_every_feature_equals_plain_python(data: st.DataObject) -> None:
    """On logs with ties, late and early rows, gaps and odd ids, SQL and plain Python agree."""
    names = ["ann", "böb 'x'"]
    asked = [
        {"customer_id": name, "moment": START + days(day)}
        for name in names
        for day in data.draw(st.lists(st.sampled_from([0, 1, 7, 14, 30, 44]), unique=True))
    ]
    customers, log = data.draw(profiles(names)), data.draw(events(names))
    for table in TABLES:
        if asked:
            assert_equal_to_reference(table, asked, customers, log)


def test_sums_do_not_depend_on_the_order_of_rows() -> None:
    """0.1 + 0.2 + … in any order gives the same bits, because sums are exact decimals."""
    asked = [{"customer_id": "a", "moment": START + days(1)}]
    log = [
        event("a", "buy", START + days(0.5), value=value)
        for value in (0.1, 0.2, 1e15, 0.3, -1e15, 0.7)
    ]
    sums = {
        compute(world(asked, [], rows), TABLES[0])["value_sum_1d"][0].as_py()
        for rows in (log, log[::-1], sorted(log, key=lambda e: e["value"]))
    }
    assert sums == {1.3}


def test_the_fingerprint_changes_with_a_definition_and_not_with_a_meaning() -> None:
    """Another window makes another table; another wording does not."""
    other = TOML.replace('meaning = "the item"', 'meaning = "the thing"')
    reworded = tables(HOME, DataSet.model_validate(tomllib.loads(other)))
    assert [t.folder for t in reworded] == [t.folder for t in TABLES]
    fewer = TOML.replace('key_actions = ["buy", "share_video"]', 'key_actions = ["buy"]')
    changed = tables(HOME, DataSet.model_validate(tomllib.loads(fewer)))
    assert changed[0].folder != TABLES[0].folder
    assert changed[1].folder == TABLES[1].folder
