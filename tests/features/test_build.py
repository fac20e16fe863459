from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.build import BuildReport, build
from features.moments import ONBOARDING_DAYS
from features.tables import Table, tables
from lifecycle.errors import NotReady
from lifecycle.home import Home
from tests.features.canonical import (
    AS_OF,
    DAYS,
    START,
    TOML,
    Log,
    alive,
    customer,
    days,
    event,
    fill,
    settle,
)
from tests.features.reference import reference
from tests.features.test_sql import equal


def stored(table: Table) -> pa.Table:
    """Everything built, in one order."""
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        return db.sql(
            f"SELECT * FROM read_parquet('{table.pattern}') ORDER BY event_timestamp, customer_id"
        ).to_arrow_table()


def all_stored(home: Home) -> list[pa.Table]:
    return [stored(table) for table in tables(home, home.dataset())]


def test_built_rows_equal_plain_python(built: tuple[Home, BuildReport], log: Log) -> None:
    """Every feature of 40 sampled moments equals the slow computation from the same log."""
    home, _ = built
    customers, events = log
    dice = random.Random(0)  # noqa: S311 - dice, no secret
    for table in tables(home, home.dataset()):
        for row in dice.sample(stored(table).to_pylist(), 40):
            name, moment = row["customer_id"], row["event_timestamp"]
            versions = [c for c in customers if c["customer_id"] == name]
            own = [e for e in events if e["customer_id"] == name]
            start = min(versions, key=lambda c: c["received_at"])["signed_up_at"]
            for feature in table.features:
                expected = reference(feature, moment, start, own, versions)
                assert equal(row[feature.name], expected), (feature.name, name, moment)


def test_each_due_moment_and_each_new_customer_has_one_row(
    built: tuple[Home, BuildReport], log: Log
) -> None:
    """Rows are the due moments and the snapshot of those still onboarding, each once."""
    home, report = built
    starts = {c["customer_id"]: c["signed_up_at"] for c in log[0]}
    due = {(n, s + days(d)) for n, s in starts.items() for d in DAYS if s + days(d) <= AS_OF}
    new = {(n, AS_OF) for n, s in starts.items() if s >= AS_OF - days(ONBOARDING_DAYS)}
    for table in tables(home, home.dataset()):
        rows = stored(table)
        keys = set(
            zip(rows["customer_id"].to_pylist(), rows["event_timestamp"].to_pylist(), strict=True)
        )
        assert keys == due | new
        assert rows.num_rows == len(keys) == report.moments
    assert report.onboarding == len(new)


def test_types_on_disk_are_what_feast_is_told(built: tuple[Home, BuildReport]) -> None:
    """Times carry UTC in microseconds, numbers are doubles, categories strings."""
    home, _ = built
    for table in tables(home, home.dataset()):
        for part in table.parts():
            assert pq.read_schema(part).equals(table.schema)


def test_days_of_builds_leave_what_one_build_leaves(
    built: tuple[Home, BuildReport], log: Log, tmp_path: Path
) -> None:
    """Built every 25 days and built at once, every training moment's row is the same."""
    home = settle(tmp_path / "home")
    fill(home, *log)
    reports = [
        build(home, moments_days=DAYS, as_of=START + timedelta(days=day)) for day in (25, 50, 75)
    ]
    assert all(report.built for report in reports)
    for ours, theirs in zip(all_stored(home), all_stored(built[0]), strict=True):
        snapshots = pa.array([START + timedelta(days=25), START + timedelta(days=50)],
                             pa.timestamp("us", tz="UTC"))  # fmt: skip
        kept = ours.filter(pc.invert(pc.is_in(ours["event_timestamp"], snapshots)))
        assert kept.equals(theirs)


def test_building_again_adds_nothing(built: tuple[Home, BuildReport]) -> None:
    """The same build a second time computes no row and leaves every file alone."""
    home, _ = built
    before = {p: p.stat().st_mtime_ns for p in home.features.rglob("*.parquet")}
    again = build(home, moments_days=DAYS, as_of=AS_OF)
    assert again.built == 0
    assert {p: p.stat().st_mtime_ns for p in home.features.rglob("*.parquet")} == before


def test_the_same_log_gives_the_same_bytes(
    built: tuple[Home, BuildReport], log: Log, tmp_path: Path
) -> None:
    """Two homes with the same events in another order hold the same files, byte for byte."""
    home = settle(tmp_path / "home")
    fill(home, log[0][::-1], log[1][::-1])
    build(home, moments_days=DAYS, as_of=AS_OF)
    contents = [
        {str(p.relative_to(h.features)): p.read_bytes() for p in h.features.rglob("*.parquet")}
        for h in (home, built[0])
    ]
    assert contents[0] == contents[1]


def test_no_value_changes_when_later_or_late_rows_arrive(
    built: tuple[Home, BuildReport], log: Log, tmp_path: Path
) -> None:
    """Events and profiles received after a moment, whenever they happened, leave it as it was."""
    customers, events = log
    cut = START + timedelta(days=40)
    home = settle(tmp_path / "home")
    fill(
        home,
        [c for c in customers if c["received_at"] <= cut],
        [e for e in events if e["received_at"] <= cut],
    )
    build(home, moments_days=DAYS, as_of=cut)
    for ours, theirs in zip(all_stored(home), all_stored(built[0]), strict=True):
        moments = pc.less(ours["event_timestamp"], pa.scalar(cut))
        same = pc.less(theirs["event_timestamp"], pa.scalar(cut))
        assert ours.filter(moments).num_rows > 50
        assert ours.filter(moments).equals(theirs.filter(same))


def test_a_killed_build_goes_on_where_it_was(tmp_path: Path, log: Log) -> None:
    """Killed with SIGKILL after two parts, the next build adds the rest: as if built at once."""
    home, whole = settle(tmp_path / "home"), settle(tmp_path / "whole")
    for one in (home, whole):
        fill(one, *log)
    script = textwrap.dedent(f"""
        from contextlib import contextmanager
        import os, signal
        from datetime import datetime
        from pathlib import Path
        from features import build
        from lifecycle.home import open_home

        @contextmanager
        def deadly(label, total):
            done = []
            def advance(n):
                done.append(n)
                if len(done) == 2:
                    os.kill(os.getpid(), signal.SIGKILL)
            yield advance

        build.build(open_home(Path({str(home.root)!r})), moments_days={DAYS},
                    as_of=datetime.fromisoformat({AS_OF.isoformat()!r}), chunk=50, progress=deadly)
    """)
    killed = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    left = tables(home, home.dataset())[0].parts()
    assert len(left) == 2
    assert (home.features / "scratch").exists()
    there = sum(pq.read_metadata(part).num_rows for part in left)
    report = build(home, moments_days=DAYS, as_of=AS_OF)
    assert report.views[0].known == there
    assert not (home.features / "scratch").exists()
    build(whole, moments_days=DAYS, as_of=AS_OF)
    assert all(a.equals(b) for a, b in zip(all_stored(home), all_stored(whole), strict=True))


def test_a_changed_definition_is_built_afresh_beside_the_old(tmp_path: Path, log: Log) -> None:
    """Other key actions: behaviour is another table, profile stays, old rows are not touched."""
    home = settle(tmp_path / "home")
    fill(home, *log)
    build(home, moments_days=DAYS, as_of=AS_OF)
    old = tables(home, home.dataset())
    home.dataset_file.write_text(TOML.replace('["buy", "share_video"]', '["buy"]'))
    report = build(home, moments_days=DAYS, as_of=AS_OF)
    assert [view.built > 0 for view in report.views] == [True, False]
    assert old[0].parts()


def test_rows_out_of_bounds_are_set_aside_with_the_reason(home: Home) -> None:
    """An age of 400 goes to quarantine, is counted, and is not tried again; the others are kept."""
    people = [customer(f"c{n}", START, age=400.0 if n == 0 else 30.0) for n in range(30)]
    fill(home, people, [alive(START + days(1))])
    report = build(home, moments_days=(1,), as_of=START + days(1))
    assert report.views[1].quarantined == 1
    assert report.views[1].reasons == ("profile_age above 120; ",)
    table = tables(home, home.dataset())[1]
    assert stored(table).num_rows == 29
    assert pq.read_table(table.rejected()[0])["customer_id"].to_pylist() == ["c0"]
    assert build(home, moments_days=(1,), as_of=START + days(1)).quarantined == 0


def test_a_silent_pipe_freezes_no_training_moment(home: Home) -> None:
    """Days without delivery build the server's rows only; the moments come later, with all."""
    start = START + days(0.5)
    fill(home, [customer("a", start)], [alive(START + days(1))])
    kept = []
    for now in (START + days(3), start + days(3)):  # the second is a training moment itself
        report = build(home, moments_days=(1, 3), as_of=now)
        assert (report.moments, report.onboarding) == (1, 1)
        kept.append(now)
    behaviour, _ = all_stored(home)
    assert behaviour["event_timestamp"].to_pylist() == [
        kept[0], kept[1] - timedelta(microseconds=1),
    ]  # fmt: skip
    fill(home, [], [event("a", "login", start + days(0.5)), event("a", "login", start + days(2.5)),
                    alive(START + days(4))])  # fmt: skip
    build(home, moments_days=(1, 3), as_of=START + days(4))
    behaviour, _ = all_stored(home)
    found = dict(
        zip(behaviour["event_timestamp"].to_pylist(), behaviour["events_7d"].to_pylist(),
            strict=True)
    )  # fmt: skip
    assert (found[start + days(1)], found[start + days(3)]) == (1.0, 2.0)
    assert found[kept[0]] == 0.0


def test_a_home_without_customers_says_what_to_do(home: Home) -> None:
    """Nothing ingested is no crash and no empty table."""
    with pytest.raises(NotReady, match=r"No moment is due .* Ingest customers, or name a later"):
        build(home, moments_days=DAYS, as_of=AS_OF)


def test_a_customer_whose_row_comes_late_has_no_profile_before(home: Home) -> None:
    """The moment is there, the profile of that time is not: it was not known."""
    fill(home, [customer("a", START, received_at=START + days(2), country="de")], [
        event("a", "login", START + days(0.5)), alive(START + days(4))])  # fmt: skip
    build(home, moments_days=(1, 3), as_of=START + days(4))
    behaviour, profile = all_stored(home)
    assert profile["profile_country"].to_pylist() == [None, "de", "de"]
    assert behaviour["count_login_1d"].to_pylist() == [1.0, 0.0, 0.0]


def test_customers_from_before_the_records_are_left_out(tmp_path: Path) -> None:
    """Who signed up before `new_since` was not seen from the start and gets no moment."""
    toml = TOML.replace('clock = "data"', 'clock = "data"\nnew_since = 2026-01-02')
    home = settle(tmp_path / "home", toml)
    fill(home, [customer("old", START), customer("new", START + days(1))], [alive(START + days(3))])
    build(home, moments_days=(1,), as_of=START + days(3))
    assert set(all_stored(home)[0]["customer_id"].to_pylist()) == {"new"}
