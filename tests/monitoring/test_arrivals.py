"""A feed that dies, lags or stutters is told, each on its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from lifecycle.event_store import EventStore, Part
from lifecycle.home import Home, open_home
from monitoring.arrivals import (
    EVENTS,
    PROFILES,
    Rates,
    Silences,
    arrivals,
    days_received,
    freshness,
    risen,
    silent,
)
from monitoring.windows import spans

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 42
NOW = START + timedelta(days=DAYS)
TOML = """
name = "toy"
title = "A toy"
source = "made up"
clock = "data"

[vocabulary]
events = ["login", "buy"]
"""


def daily(until: float, every: float = 1.0) -> list[datetime]:
    count = int(until / every)
    return [START + timedelta(days=every * n) for n in range(count + 1)]


@pytest.mark.parametrize(
    ("gap_before", "silence", "broken"),
    [(1, 1.5, False), (1, 3.0, True), (4, 5.0, False), (4, 7.0, True)],
)
def test_freshness(gap_before: float, silence: float, broken: bool) -> None:
    """Silence is judged by the longest silence before: a shop may close for Christmas."""
    days = daily(9)
    days += [days[-1] + timedelta(days=gap_before)]
    now = days[-1] + timedelta(days=silence)
    assert (freshness(EVENTS, days, now, 1.5, Silences()) is not None) == broken


def test_no_events_at_all_are_no_silence() -> None:
    """A store without events has nothing that could have stopped."""
    assert silent({EVENTS: [], PROFILES: []}, START) == ()


def test_a_feed_that_dies_alone_is_named() -> None:
    """Profiles go on and so does the newest row of all; the dead feed is told by its name."""
    known = {EVENTS: daily(40), "login events": daily(40), "buy events": daily(33),
             PROFILES: daily(42)}  # fmt: skip
    assert [breach.column for breach in silent(known, NOW)] == ["buy events"]
    dead = {EVENTS: daily(36), "login events": daily(36), PROFILES: daily(42)}
    assert [breach.words for breach in silent(dead, NOW)] == [
        "nothing was received for 6.0 days; the longest silence before was 1.0"
    ]
    profiles = {EVENTS: daily(42), PROFILES: daily(36)}
    assert silent(profiles, NOW)[0].words.startswith("no profiles were received for 6.0 days")


def test_a_rare_kind_of_event_has_no_rhythm() -> None:
    """What came on a few days, or comes now and then, is not missed."""
    rare = {EVENTS: daily(42), "buy events": daily(30, 5), PROFILES: daily(42)}
    often = {EVENTS: daily(42), "buy events": daily(34, 2), PROFILES: daily(42)}
    assert silent(rare, NOW) == ()
    assert [breach.column for breach in silent(often, NOW)] == ["buy events"]


@pytest.mark.parametrize(
    ("was", "now", "checks"),
    [
        (Rates(events=900, late=0.05, twice=0), Rates(events=300, late=0.2, twice=0.02), []),
        (Rates(events=900, late=0.05, twice=0), Rates(events=300, late=0.6, twice=0.02),
         ["late events"]),
        (Rates(events=900, late=0.9, twice=0), Rates(events=300, late=0.95, twice=0.4),
         ["duplicates"]),
        (Rates(events=100, late=0, twice=0), Rates(events=300, late=1, twice=1), []),
    ],
    ids=["usual", "late", "twice, and always late", "too few"],
)  # fmt: skip
def test_rates(was: Rates, now: Rates, checks: list[str]) -> None:
    """A share is broken by its rise over the windows before, on enough events."""
    assert [breach.check for breach in risen(was, now)] == checks


def test_from_the_event_store(tmp_path: Path) -> None:
    """Late, doubled and silent sources are read off the event store, up to the window's end."""
    home = home_of(tmp_path, broken_from=36)
    (week,) = spans(NOW, days=6, count=1)
    found = {breach.check: breach.words for breach in arrivals(home, week)}
    assert set(found) == {"late events", "duplicates", "freshness"}
    assert found["late events"].startswith("100% of the events came more than a day late; 0% did")
    assert found["duplicates"].startswith("50% of the events came twice under another id; 0% did")
    assert found["freshness"].startswith("no profiles were received for 7")
    (calm,) = spans(NOW - timedelta(days=6), days=6, count=1)
    assert arrivals(home, calm) == ()
    with EventStore(home).connect(home.dataset()) as db:
        assert set(days_received(db, NOW)) == {EVENTS, PROFILES, "login events"}


def home_of(folder: Path, *, broken_from: float) -> Home:
    """Fifty logins a day; from a day on late and doubled, and no new profile."""
    home = open_home(folder / "home")
    home.root.mkdir(parents=True)
    home.dataset_file.write_text(TOML)
    at = [n / 50 for n in range(DAYS * 50)]
    events = pd.DataFrame({"at": at, "customer_id": [f"c{n % 7}" for n in range(len(at))]})
    events = pd.concat([events, events[events["at"] > broken_from]], ignore_index=True)
    received = [START + timedelta(days=t) for t in events["at"]]
    late = [timedelta(days=2 if t > broken_from else 0) for t in events["at"]]
    tables = {
        "events": pd.DataFrame(
            {"event_id": [str(n) for n in range(len(events))], "event": "login",
             "customer_id": events["customer_id"], "received_at": received,
             "occurred_at": [r - gap for r, gap in zip(received, late, strict=True)]}
        ),
        "customers": pd.DataFrame(
            {"customer_id": [f"c{n}" for n in range(int(broken_from))],
             "signed_up_at": daily(broken_from - 1), "received_at": daily(broken_from - 1)}
        ),
    }  # fmt: skip
    for name, table in tables.items():
        table.to_parquet(home.root / f"{name}.parquet", index=False)
    EventStore(home).commit(
        (), [Part(path=f"{n}.parquet", holds=n, rows=len(t)) for n, t in tables.items()]
    )
    return home
