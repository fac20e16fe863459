from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from features.audit_store import store_findings
from features.build import BuildReport
from features.findings import Finding
from lifecycle.event_store import EventStore
from lifecycle.home import Home, open_home
from tests.features.canonical import AS_OF, START, alive, days, event, fill


@pytest.fixture
def copy(built: tuple[Home, BuildReport], tmp_path: Path) -> Home:
    """A home with events that a test may change."""
    shutil.copytree(built[0].root, tmp_path / "copy")
    return open_home(tmp_path / "copy")


def broken(home: Home, as_of: datetime = AS_OF) -> dict[tuple[str, str], Finding]:
    found = store_findings(home, home.dataset(), as_of)
    return {(one.stage, one.check): one for one in found if one.verdict != "passed"}


def rewrite(home: Home, old: str, new: str) -> None:
    text = home.dataset_file.read_text(encoding="utf-8")
    assert old in text
    home.dataset_file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_stricter_rule_finds_rows_and_moves_none(copy: Home) -> None:
    """Rows of the store stay: their sources' accounts would no longer add up."""
    before = EventStore(copy).parts("customers")
    rewrite(copy, "at_most = 120", "at_most = 40")
    ((place, found),) = broken(copy).items()
    assert place == ("customers", "types, bounds, times")
    assert (found.verdict, found.found.split(" (")[0]) == ("failed", "age above 40")
    assert "ingest into a new home" in found.do
    assert EventStore(copy).parts("customers") == before


def test_an_unknown_word_is_found(copy: Home) -> None:
    """An event that the vocabulary lost is told by its reason."""
    rewrite(copy, '"buy", "ping"]', '"buy"]')
    found = broken(copy)["events", "types, bounds, times"]
    assert found.found.startswith("event is not in the vocabulary (")


def test_one_id_names_one_event(copy: Home) -> None:
    """The same id in two parts is found, however far apart they lie."""
    twice = {**event("c000 ü", "buy", START + days(3)), "event_id": "e"}
    fill(copy, [], [twice])
    fill(copy, [], [twice, alive(START + days(4))])
    assert broken(copy)["events", "event_id names one event"].broken == 1


def test_a_lost_row_is_missed(copy: Home) -> None:
    """As many events lie there as the manifest says were kept, or it is said."""
    part = EventStore(copy).parts("events")[0]
    pq.write_table(pq.ParquetFile(part).read().slice(2), part)
    found = broken(copy)["events", "every event that was kept is there"]
    assert found.broken == 2
    assert "Files changed under the manifest" in found.do


def test_silence_is_not_fresh(copy: Home) -> None:
    """Nothing received within the time to live is a finding, and says what to look at."""
    ((place, found),) = broken(copy, AS_OF + timedelta(days=200)).items()
    assert place == ("events", "something was received within 3 days")
    assert found.do.startswith("Look at the delivery")
