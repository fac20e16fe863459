"""Live events: how many a second, and how long until the online store has their features.

Run: python benchmarks/fresh.py [customers] [seconds]

Simulated customers are ingested, built and loaded first. Then events go through the lane that
`POST /events` uses, in process: one at a time, and from eight senders at once in requests of one
event and of a hundred, each sender waiting until its own are visible. A delay runs from the
request until the online store has taken the rows. The floor is the same rows into a SQLite
journal, one commit a request: durable, and of no use to anybody.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ingestion import ingest
from lifecycle.event_store import EventStore
from lifecycle.home import Home, open_home
from onramp.refresh import refresh
from serving.fresh import FreshLane
from serving.guard import Failed
from simulator import simulate

ROOT = Path(__file__).resolve().parents[1]
DAYS = (1, 3, 7, 14, 30)
SENDERS, EVENTS = 8, 100
SINGLES = 200
PROMISED = 1.0  # seconds within which events are in the features


def world(folder: Path, customers: int) -> Home:
    """A home with simulated customers, in the online store."""
    simulate(folder / "drops", customers=customers, seed=0)
    home = open_home(folder / "home")
    ingest(home, ROOT / "datasets" / "simulated.toml", folder / "drops")
    refresh(home)
    return home


class Source:
    """New events of customers who are onboarding, each later than the one before."""

    def __init__(self, home: Home) -> None:
        store, dataset = EventStore(home), home.dataset()
        self.now = store.newest(dataset)
        since = (self.now - timedelta(days=30)).replace(tzinfo=None)
        with store.connect(dataset) as db:
            rows = db.execute(
                "SELECT DISTINCT customer_id FROM customers WHERE signed_up_at > ? ORDER BY 1",
                [since],
            ).fetchall()
        self.customers = [name for (name,) in rows]
        self._made = 0
        self._lock = threading.Lock()

    def take(self, number: int) -> list[dict[str, Any]]:
        with self._lock:
            first, self._made = self._made, self._made + number
        return [
            {
                "event_id": f"bench-{n}",
                "customer_id": self.customers[n * 7919 % len(self.customers)],
                "event": "page_view",
                "occurred_at": (self.now + timedelta(milliseconds=n)).isoformat(),
                "session_id": f"s{n // 5}",
                "value": 0.5,
            }
            for n in range(first, first + number)
        ]


def visible(lane: FreshLane, events: Sequence[object]) -> float:
    """Seconds until the events are in the features that are served."""
    begun = time.perf_counter()
    request = lane.put(events)
    request.kept.result()
    found = request.visible.result()
    assert not isinstance(found, Failed), found.reason
    return time.perf_counter() - begun


def storm(seconds: float, send: Callable[[], object]) -> int:
    """Let all senders send for some seconds; how many requests were answered."""
    answered = [0] * SENDERS
    until = time.perf_counter() + seconds

    def work(place: int) -> None:
        while time.perf_counter() < until:
            send()
            answered[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(answered)


def floor(folder: Path, source: Source, seconds: float) -> float:
    """Events a second into a bare journal."""
    path = folder / "floor.db"
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE events (content TEXT)")
    lock = threading.Lock()

    def send() -> None:
        rows = [(json.dumps(event),) for event in source.take(EVENTS)]
        with lock:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO events VALUES (?)", rows)
            db.execute("COMMIT")

    return storm(seconds, send) * EVENTS / seconds


def told(name: str, delays: Sequence[float]) -> str:
    cuts = statistics.quantiles([1000 * one for one in delays], n=100)
    late = sum(one > PROMISED for one in delays)
    return (
        f"{name:25} p50 {cuts[49]:8.1f} ms   p95 {cuts[94]:8.1f} ms   p99 {cuts[98]:8.1f} ms   "
        f"later than {PROMISED:g} s: {late} of {len(delays)}"
    )


def main() -> None:
    """Print delays, rates and the ratio to the floor."""
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0  # noqa: PLR2004  the second word
    with tempfile.TemporaryDirectory() as name:
        home = world(Path(name), customers)
        source, lane = Source(home), FreshLane(home, DAYS)
        print(f"first request, cold      {1000 * visible(lane, source.take(1)):8.1f} ms")
        print(told("one event at a time", [visible(lane, source.take(1)) for _ in range(SINGLES)]))
        delays: list[float] = []
        storm(seconds, lambda: delays.append(visible(lane, source.take(1))))
        print(told(f"{SENDERS} senders, 1 event each", delays))
        delays.clear()
        before = time.process_time()
        answered = storm(seconds, lambda: delays.append(visible(lane, source.take(EVENTS))))
        spent = time.process_time() - before
        print(told(f"{SENDERS} senders, {EVENTS} each", delays))
        rate, least = answered * EVENTS / seconds, floor(Path(name), source, seconds / 4)
        each = 1e6 * spent / (answered * EVENTS)
        print(f"events a second          {rate:8,.0f}, {each:.0f} µs CPU each")
        print(f"floor, kept only         {least:8,.0f}, ratio {least / rate:.1f}")
        lane.stop()


if __name__ == "__main__":
    main()
