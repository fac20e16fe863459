"""The account of an ingestion balances whatever comes, in any order, and after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion import ingest
from lifecycle.event_store import EventStore
from lifecycle.home import open_home
from tests.ingestion.shops import open_shop

ROOT = Path(__file__).resolve().parents[2]
T = "2026-01-0"

LINES = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", "", "ü-✓"]),
        st.sampled_from(["ann", "Bob", "李雷", "a'b\"c", "", " "]),
        st.sampled_from(["visit", "buy", "fly", ""]),
        st.sampled_from([f"{T}1 10:00", f"{T}2T00:00:00Z", f"{T}3 10:00:00+05:30", "", "nonsense"]),
        st.sampled_from([f"{T}2 10:00", f"{T}4", "", "infinity"]),
        st.sampled_from(["1", "1e3", "-1", "inf", "nan", "abc", "", "1001"]),
    )
    # Some lines lack cells, some have one too many.
    | st.just(("e", "ann"))
    | st.just(("e", "ann", "visit", "2026-01-01", "", "1", "2")),
    max_size=12,
)


def quoted(cells: tuple[str, ...]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' if cell else "" for cell in cells)


@given(files=st.lists(LINES, min_size=1, max_size=3))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_comes_the_account_balances(files):
    """Rows read = kept + quarantined = lines written; and one run or several give one store."""
    with tempfile.TemporaryDirectory() as folder:
        shop = open_shop(Path(folder) / "a")
        stepwise = open_shop(Path(folder) / "b")
        total = 0
        for number, lines in enumerate(files):
            for each in (shop, stepwise):
                # A line of its own keeps two files from having equal bytes.
                extra = f"only-{number},ann,visit,2026-01-01,,1"
                each.log(f"log{number}.csv", extra, *map(quoted, lines))
            total += len(lines) + 1
            stepwise.ingest()
        report = shop.ingest()
        kept = shop.rows("SELECT count(*), count(DISTINCT event_id) FROM events")[0]
        assert report.rows_read == total == report.rows_kept + report.rows_quarantined
        assert kept == (report.rows_kept, report.rows_kept)
        assert len(shop.quarantine()) == report.rows_quarantined == sum(report.reasons.values())
        everything = "SELECT * FROM events ORDER BY event_id"
        assert shop.rows(everything) == stepwise.rows(everything)
        assert shop.quarantine() == stepwise.quarantine()


@given(order=st.permutations(range(4)))
@settings(max_examples=4, deadline=None)
def test_the_set_of_events_does_not_depend_on_the_order_of_files(order):
    """Late files change nothing about which events there are."""
    with tempfile.TemporaryDirectory() as folder:
        shop = open_shop(Path(folder))
        for place, day in enumerate(order):
            shop.log(
                f"log{place}.csv",
                f"e{day},ann,visit,2026-01-0{day + 1},,1", "shared,ann,visit,2026-01-01,,1",
            )  # fmt: skip
            shop.ingest()
        assert [row[0] for row in shop.rows("SELECT event_id FROM events ORDER BY 1")] == [
            "e0", "e1", "e2", "e3", "shared",
        ]  # fmt: skip


KILLED = """
import sys
from pathlib import Path
from ingestion import ingest
from lifecycle.home import open_home

home, toml, drop = map(Path, sys.argv[1:])
ingest(open_home(home), toml, drop, batch_bytes=1)
"""


def test_killed_half_way_and_run_again_gives_the_same_store(shop):
    """Kill -9 at any point loses nothing and doubles nothing."""
    for day in range(60):
        lines = [f"e{day}-{i},c{i % 7},visit,2026-01-01 {day % 24:02d}:00,,{i}" for i in range(20)]
        shop.log(f"log{day:02d}.csv", *lines, f"e{max(day - 1, 0)}-0,c0,visit,2026-01-01,,5")
    whole = open_home(shop.root / "whole")
    ingest(whole, shop.toml, shop.drop)
    seen = [kill_while_ingesting(shop, patience) for patience in (0.0, 0.15, 0.4)]
    report = shop.ingest()
    assert 0 < seen[-1] < 60, "the kill came too early or too late to prove anything"
    assert report.tables[-1].sources_known == seen[-1]
    assert not list(shop.home.root.rglob("*.unfinished"))
    everything = "SELECT * FROM events ORDER BY event_id"
    with EventStore(whole).connect(whole.dataset()) as connection:
        assert shop.rows(everything) == connection.execute(everything).fetchall()
    parts = EventStore(shop.home)
    committed = {p for holds in ("events", "quarantine") for p in parts.parts(holds)}
    assert set(shop.home.root.rglob("*.parquet")) == committed


def kill_while_ingesting(shop, patience: float) -> int:
    """Start an ingestion, kill it `patience` seconds after its first commit; sources stored."""
    store = EventStore(shop.home)
    before = len(store.sources())
    command = [sys.executable, "-c", KILLED, shop.home.root, shop.toml, shop.drop]
    process = subprocess.Popen(list(map(str, command)), cwd=ROOT)
    try:
        deadline = time.monotonic() + 60
        while len(store.sources()) <= before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(patience)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    return len(store.sources())
