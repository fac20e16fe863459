"""From files written by the clock on the wall to features: no hour is lost or doubled."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.build import build
from features.tables import tables
from ingestion import ingest
from lifecycle.home import open_home
from tests.features.canonical import Row, days
from tests.features.reference import reference
from tests.features.test_sql import equal

TOML = """
name = "shop"
title = "A shop"
source = "made up"
clock = "data"
time_zone = "{zone}"

[vocabulary]
events = ["visit", "buy"]
key_actions = ["buy"]

[properties.value]
type = "number"
meaning = "What it cost"

[profile.country]
type = "category"
meaning = "Where from"

[events.log]
files = ["log.csv"]
[events.log.columns]
event_id = "id"
customer_id = "who"
event = "what"
occurred_at = "at"
received_at = "got"
[events.log.properties]
value = "value"

[customers.list]
files = ["people.csv"]
[customers.list.columns]
customer_id = "who"
signed_up_at = "since"
received_at = "got"
[customers.list.profile]
country = "country"
"""

# A week around the night on which the clocks change; both hemispheres, half an hour, none.
CHANGES = [
    ("Europe/London", datetime(2026, 3, 29, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, tzinfo=UTC)),
    ("Asia/Kolkata", datetime(2026, 3, 29, tzinfo=UTC)),
]
BEFORE, AFTER = timedelta(days=4), timedelta(days=4)


def wall(when: datetime, zone: ZoneInfo) -> str:
    """What the clock showed; with the offset where it showed the same twice."""
    shown = when.astimezone(zone)
    twice = shown.replace(fold=0).utcoffset() != shown.replace(fold=1).utcoffset()
    return shown.isoformat(sep=" ") if twice else shown.replace(tzinfo=None).isoformat(sep=" ")


@st.composite
def logs(draw: st.DrawFn) -> tuple[str, list[Row], list[Row]]:
    """Customers and events of one zone, most of them in the hours around the change."""
    zone, night = draw(st.sampled_from(CHANGES))
    hours = st.one_of(st.integers(-96, 95), st.integers(-3, 6))
    minutes = st.sampled_from([0, 1, 30, 59])
    customers, events = [], []
    for number in range(draw(st.integers(1, 4))):
        name = f"c{number} ß"
        start = night - BEFORE + timedelta(hours=draw(st.integers(0, 72)), minutes=draw(minutes))
        customers.append({"customer_id": name, "signed_up_at": start, "received_at": start})
        for _ in range(draw(st.integers(0, 12))):
            when = night + timedelta(hours=draw(hours), minutes=draw(minutes))
            late = draw(st.sampled_from([timedelta(0), timedelta(hours=1), days(1)]))
            events.append(
                {"customer_id": name, "event": draw(st.sampled_from(["visit", "buy"])),
                 "occurred_at": when, "received_at": when + late,
                 "value": draw(st.sampled_from([None, 0.1, 20.0]))}
            )  # fmt: skip
    return zone, customers, events


def write(folder: Path, zone: str, customers: list[Row], events: list[Row]) -> None:
    clock = ZoneInfo(zone)
    log = ["id,who,what,at,got,value"]
    for number, e in enumerate(events):
        value = "" if e["value"] is None else e["value"]
        at, got = wall(e["occurred_at"], clock), wall(e["received_at"], clock)
        log.append(f"e{number},{e['customer_id']},{e['event']},{at},{got},{value}")
    people = ["who,since,got,country"]
    people += [
        f"{c['customer_id']},{wall(c['signed_up_at'], clock)},{wall(c['received_at'], clock)},x"
        for c in customers
    ]
    (folder / "log.csv").write_text("\n".join(log) + "\n", encoding="utf-8")
    (folder / "people.csv").write_text("\n".join(people) + "\n", encoding="utf-8")
    (folder / "shop.toml").write_text(TOML.format(zone=zone), encoding="utf-8")


@given(log=logs())
@settings(max_examples=8, deadline=None)
def test_features_of_wall_clock_files_equal_those_of_true_time(
    log: tuple[str, list[Row], list[Row]],
) -> None:
    """Around every change of clocks, each feature equals plain Python on the true UTC times."""
    zone, customers, events = log
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, zone, customers, events)
        home = open_home(folder / "home")
        report = ingest(home, folder / "shop.toml", folder)
        assert report.rows_quarantined == 0, report
        build(home, moments_days=(1, 3), as_of=customers[0]["signed_up_at"] + days(7))
        for table in tables(home, home.dataset()):
            with duckdb.connect() as db:
                db.execute("SET TimeZone = 'UTC'")
                rows = db.sql(f"SELECT * FROM read_parquet('{table.pattern}')").to_arrow_table()
            for row in rows.to_pylist():
                mine = [e for e in events if e["customer_id"] == row["customer_id"]]
                own = [c for c in customers if c["customer_id"] == row["customer_id"]]
                start = own[0]["signed_up_at"]
                for feature in table.features:
                    if feature.name != "profile_country":
                        expected = reference(feature, row["event_timestamp"], start, mine, own)
                        assert equal(row[feature.name], expected), (feature.name, row)


@pytest.mark.parametrize(("zone", "night"), CHANGES)
def test_a_day_of_a_moment_is_24_hours(zone: str, night: datetime) -> None:
    """Sign-up + 1 day is 24 hours later, whatever the wall clock says that night."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = night - timedelta(hours=6)
        people = [{"customer_id": "a", "signed_up_at": start, "received_at": start}]
        last = {"customer_id": "a", "event": "visit", "occurred_at": start + days(2),
                "received_at": start + days(2), "value": None}  # fmt: skip
        write(folder, zone, people, [last])
        home = open_home(folder / "home")
        ingest(home, folder / "shop.toml", folder)
        build(home, moments_days=(1,), as_of=start + days(2))
        table = tables(home, home.dataset())[0]
        with duckdb.connect() as db:
            db.execute("SET TimeZone = 'UTC'")
            times = db.sql(
                f"SELECT event_timestamp FROM read_parquet('{table.pattern}') ORDER BY 1"
            ).fetchall()
        assert [when for (when,) in times] == [start + days(1), start + days(2)]
