from __future__ import annotations

import os
import random
import shutil
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.build import build
from features.moments import ONBOARDING_DAYS
from features.pending import asked
from features.record import one_build
from features.tables import tables
from lifecycle.errors import Busy
from lifecycle.event_store import EventStore, Part
from lifecycle.home import Home
from lifecycle.lock import held
from tests.features.canonical import (
    START,
    Row,
    alive,
    customer,
    days,
    event,
    fill,
    random_log,
    settle,
    table_of,
)

Key = tuple[str, datetime]

# Small, because a hundred builds are to be quick.
TOML = """
name = "small"
title = "Small"
source = "made up"
clock = "data"

[vocabulary]
events = ["login", "buy"]

[properties]

[profile]
country = { type = "category", meaning = "the country" }
"""
DAYS = (1, 3, 30)
MICROSECOND = timedelta(microseconds=1)
BUILD_TIMES = [
    START + days(n) for n in (5, 20, 20, 33, 33.5, 47)
] + [START + days(33) + MICROSECOND]  # fmt: skip


def keys(home: Home, view: int) -> set[Key]:
    """The key of every built row; none is there twice."""
    table = tables(home, home.dataset())[view]
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        rows = db.sql(
            f"SELECT customer_id, event_timestamp FROM read_parquet('{table.pattern}')"
        ).to_arrow_table()
    found = set(
        zip(rows["customer_id"].to_pylist(), rows["event_timestamp"].to_pylist(), strict=True)
    )
    assert len(found) == rows.num_rows
    return found


def wanted(rows: Sequence[Row], as_of: datetime) -> set[Key]:
    """What a build at `as_of` is to leave, in plain Python."""
    known = [row for row in rows if row["received_at"] <= as_of]
    versions = [row for row in known if "signed_up_at" in row]
    watermark = max(row["received_at"] for row in known)
    found = set()
    for name in {row["customer_id"] for row in versions}:
        own = [row for row in versions if row["customer_id"] == name]
        start = min(own, key=lambda r: (r["received_at"], r["signed_up_at"]))["signed_up_at"]
        moments = [start + timedelta(days=day) for day in DAYS]
        found |= {(name, moment) for moment in moments if moment <= watermark}
        if as_of - timedelta(days=ONBOARDING_DAYS) <= start <= as_of:
            shifted = as_of > watermark and as_of in moments
            found.add((name, as_of - MICROSECOND if shifted else as_of))
    return found


def wild_log(seed: int) -> list[Row]:
    """Sign-ups that meet the builds' times, wrong ones set right, late ones, and what happened."""
    dice = random.Random(seed)  # noqa: S311 - dice, no secret
    rows: list[Row] = [alive(START + days(n)) for n in range(0, 60, 3)]
    for n in range(8):
        start = START + days(dice.choice([2, 3, 17, 19, 30, 32, dice.random() * 40]))
        late = days(dice.choice([0, 0, 0.1, 9]))
        rows.append(customer(f"ü{n}", start, received_at=start + late))
        if dice.random() < 0.4:
            right, when = start - days(2), start + late - days(dice.choice([0.05, -4]))
            rows.append(customer(f"ü{n}", right, received_at=when, country="later"))
        rows += [event(f"ü{n}", "login", start + days(dice.random() * 30)) for _ in range(3)]
    dice.shuffle(rows)
    return rows


@given(data=st.data(), seed=st.integers(0, 10_000))
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_build_adds_what_is_wanted_and_not_there(
    data: st.DataObject, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever order rows are delivered in, and whatever time a build goes back to.

    After each build the keys are those that any build so far wanted, once each, and its report
    counts them.
    """
    home = settle(tmp_path_factory.mktemp("homes") / "home", TOML)
    rows, expected = wild_log(seed), set[Key]()
    first = next(row for row in rows if "signed_up_at" in row)
    delivered: list[Row] = []
    deliver(home, [alive(START), customer("first", START), first], delivered)
    for _ in range(4):
        share = data.draw(st.integers(0, len(rows)))
        deliver(home, rows[:share], delivered)
        rows = rows[share:]
        as_of = data.draw(st.sampled_from(BUILD_TIMES))
        report = build(home, moments_days=DAYS, as_of=as_of)
        now = wanted(delivered, as_of)
        assert report.moments == len(now)
        assert [view.built for view in report.views] == [len(now - expected)] * 2
        expected |= now
        assert keys(home, 0) == keys(home, 1) == expected


def deliver(home: Home, rows: Sequence[Row], delivered: list[Row]) -> None:
    fill(
        home,
        [row for row in rows if "signed_up_at" in row],
        [row for row in rows if "event_id" in row],
    )
    delivered += rows


def history(home: Home) -> None:
    """A part a day for 100 days; each day one customer signs up."""
    dataset, parts = home.dataset(), []
    people = [customer(f"c{n}", START + days(n)) for n in range(100)]
    fill(home, people, [])
    home.events.mkdir()
    for n in range(100):
        rows = [alive(START + days(n)), event(f"c{n}", "login", START + days(n))]
        path = home.events / f"{n}.parquet"
        pq.write_table(table_of(rows, "events", dataset), path)
        parts.append(Part(path=f"events/{n}.parquet", holds="events", rows=len(rows)))
    EventStore(home).commit([], parts)


def test_a_day_opens_no_part_of_long_ago(tmp_path: Path) -> None:
    """With every older part of events and features made unreadable, the next day is built."""
    home = settle(tmp_path / "home", TOML)
    history(home)
    build(home, moments_days=DAYS, as_of=START + days(98), snapshot=False)
    build(home, moments_days=DAYS, as_of=START + days(98.5), snapshot=False)
    old = [home.events / f"{n}.parquet" for n in range(98 - 31)]
    built = [part for table in tables(home, home.dataset()) for part in table.parts()]
    for part in (*old, *built):
        make_unreadable(part)
    report = build(home, moments_days=DAYS, as_of=START + days(99), snapshot=False)
    assert report.built == 2 * len(DAYS)


def make_unreadable(part: Path) -> None:
    """Zeros for its bytes; a part of another size or time would be looked at as a new one."""
    there = part.stat()
    part.write_bytes(bytes(there.st_size))
    os.utime(part, ns=(there.st_atime_ns, there.st_mtime_ns))


def test_a_part_in_anothers_place_is_looked_at_anew(tmp_path: Path) -> None:
    """Built rows of the path that was known cover other times now: none is built twice."""
    home = settle(tmp_path / "home", TOML)
    fill(home, [customer("a", START)], [alive(START + days(2)), alive(START + days(40))])
    build(home, moments_days=(1,), as_of=START + days(2), snapshot=False)
    [first] = tables(home, home.dataset())[0].parts()
    build(home, moments_days=(1, 30), as_of=START + days(40), snapshot=False)
    [later] = set(tables(home, home.dataset())[0].parts()) - {first}
    later.replace(first)
    build(home, moments_days=(30,), as_of=START + days(40), snapshot=False)
    assert keys(home, 0) == {("a", START + days(30))}


def test_what_is_gone_is_forgotten(tmp_path: Path) -> None:
    """After a definition's folder was removed, nothing is remembered of it or of its parts."""
    home = settle(tmp_path / "home", TOML)
    fill(home, [customer("a", START)], [alive(START + days(4))])
    build(home, moments_days=DAYS, as_of=START + days(4))
    old = tables(home, home.dataset())[1].folder
    home.dataset_file.write_text(TOML.replace("country = {", "land = {"), encoding="utf-8")
    shutil.rmtree(old)
    build(home, moments_days=DAYS, as_of=START + days(4))
    with one_build(home) as record:
        folders = [row["folder"] for row in record.execute("SELECT folder FROM builds")]
        paths = [row["path"] for row in record.execute("SELECT path FROM part_spans")]
    assert sorted(folders) == sorted(str(t.folder) for t in tables(home, home.dataset()))
    assert paths
    assert all(Path(path).exists() for path in paths)


def test_a_table_that_was_removed_is_built_again(tmp_path: Path) -> None:
    """What a build remembers counts only while its parts are there."""
    home = settle(tmp_path / "home", TOML)
    fill(home, [customer("a", START)], [alive(START + days(4))])
    first = build(home, moments_days=DAYS, as_of=START + days(4))
    for part in tables(home, home.dataset())[0].parts():
        part.unlink()
    again = build(home, moments_days=DAYS, as_of=START + days(4))
    assert [view.built for view in again.views] == [first.moments, 0]


def test_other_moments_are_added_to_those_there(tmp_path: Path) -> None:
    """A task with another day adds that day's moments of all of history, and no row twice."""
    home = settle(tmp_path / "home", TOML)
    fill(home, [customer("a", START), customer("b", START + days(9))], [alive(START + days(40))])
    build(home, moments_days=(1, 3), as_of=START + days(40))
    report = build(home, moments_days=(1, 3, 7), as_of=START + days(40))
    assert report.views[0].built == 2
    report = build(home, moments_days=(1, 3), as_of=START + days(41))
    assert report.views[0].built == 2
    assert len(keys(home, 0)) == 2 * 3 + 2 * 2


def test_a_later_version_of_a_profile_moves_no_moment(tmp_path: Path) -> None:
    """Who only changed a column has no moment to be built again."""
    home = settle(tmp_path / "home", TOML)
    people, _ = random_log(seed=3, customers=10)
    fill(home, [{**row, "country": "de"} for row in people], [alive(START + days(60))])
    build(home, moments_days=DAYS, as_of=START + days(60), snapshot=False)
    later = [{**row, "received_at": START + days(60), "country": "it"} for row in people[:1]]
    fill(home, later, [])
    assert build(home, moments_days=DAYS, as_of=START + days(60), snapshot=False).built == 0


def test_nothing_is_listed_while_sources_are_read(tmp_path: Path) -> None:
    """Of customers whose events are still to be committed no moment is built, and it is told."""
    home = settle(tmp_path / "home", TOML)
    with held(home.ingest_lock, "A test"):
        fill(home, [customer("a", START)], [])
        with pytest.raises(Busy, match=r"An ingestion is under way already\. .*Try again when"):
            asked(home, DAYS, START + days(4), snapshot=True, patience_seconds=0.1)


def test_a_build_waits_for_the_whole_of_an_ingestion(tmp_path: Path) -> None:
    """A build that starts between two batches counts the events of the second."""
    home = settle(tmp_path / "home", TOML)
    fill(home, [customer("a", START)], [])
    first_batch, done = threading.Event(), []

    def ingest() -> None:
        with held(home.ingest_lock, "A test"):
            fill(home, [], [alive(START + days(4))])
            first_batch.set()
            time.sleep(0.5)
            fill(home, [], [event("a", "login", START + days(0.5))])
            done.append(True)

    reader = threading.Thread(target=ingest)
    reader.start()
    assert first_batch.wait(120)
    build(home, moments_days=DAYS, as_of=START + days(4), snapshot=False)
    reader.join()
    assert done
    with duckdb.connect() as db:
        pattern = tables(home, home.dataset())[0].pattern
        counted = db.sql(f"SELECT DISTINCT count_login_30d FROM read_parquet('{pattern}')")
        assert counted.fetchall() == [(1.0,)]


def test_a_build_keeps_to_what_it_listed(tmp_path: Path) -> None:
    """A sign-up committed after the parts were listed is left to the next build."""
    home = settle(tmp_path / "home", TOML)
    fill(home, [customer("a", START)], [alive(START + days(4))])
    ask = asked(home, DAYS, START + days(4), snapshot=False)
    fill(home, [customer("b", START)], [event("b", "login", START + days(0.5))])
    with EventStore(home).connect(ask.dataset, snapshot=ask.parts) as db:
        assert db.execute("SELECT customer_id FROM customers").fetchall() == [("a",)]
        assert db.execute("SELECT DISTINCT customer_id FROM events").fetchall() == [("nobody",)]
