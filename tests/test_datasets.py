"""The shipped data sets go in whole, with the numbers that their sources state; the page is run."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tasks
from ingestion import ingest
from ingestion.mapping import (
    CustomerTable,
    EventTable,
    FirstEvent,
    Limits,
    Lookup,
    Mapping,
)
from lifecycle.dataset import Column, TaskChoice, Vocabulary, read_dataset
from lifecycle.event_store import EventStore
from lifecycle.home import open_home

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def retail(tmp_path_factory, shared_data):
    home = open_home(tmp_path_factory.mktemp("retail"))
    toml = ROOT / "datasets" / "online_retail.toml"
    return home, ingest(home, toml, shared_data / "online_retail_daily" / "by-day")


@pytest.fixture(scope="session")
def oulad(tmp_path_factory, shared_data):
    home = open_home(tmp_path_factory.mktemp("oulad"))
    return home, ingest(home, ROOT / "datasets" / "oulad.toml", shared_data / "oulad_lite")


def count(home, sql):
    with EventStore(home).connect(home.dataset()) as connection:
        return connection.execute(sql).fetchall()


def test_every_row_of_the_retail_files_is_accounted_for(retail):
    """541,909 rows in 305 files, as the source says."""
    home, report = retail
    [table] = report.tables
    assert (table.sources_new, table.rows_read) == (305, 541_909)
    assert table.rows_read == table.rows_kept + table.rows_quarantined
    assert table.reasons["price is not positive"] == 2_517
    stored = EventStore(home).sources()
    assert sum(source.rows_read for source in stored) == 541_909
    assert count(home, "SELECT count(*), count(DISTINCT event_id) FROM events") == [
        (table.rows_kept, table.rows_kept)
    ]


def test_retail_times_are_british_wall_times(retail):
    """First and last invoice, in UTC; summer is an hour off."""
    home, _ = retail
    assert count(
        home, "SELECT min(occurred_at)::VARCHAR, max(occurred_at)::VARCHAR FROM events"
    ) == [("2010-12-01 08:26:00", "2011-12-09 12:50:00")]
    [(first,)] = count(
        home, "SELECT min(occurred_at)::VARCHAR FROM events WHERE occurred_at::DATE = '2011-05-05'"
    )
    assert first == "2011-05-05 06:37:00"


def test_retail_customers_come_from_their_first_line(retail):
    """Each customer of the events is known once, ids are whole numbers, and few files hold all."""
    home, report = retail
    assert count(home, "SELECT count(*), count(DISTINCT customer_id) FROM customers") == [
        (report.tables[0].customers_new,) * 2
    ]
    assert count(home, "SELECT count(*) FROM events ANTI JOIN customers USING (customer_id)") == [
        (0,)
    ]
    assert count(home, "SELECT count(*) FROM customers WHERE customer_id LIKE '%.%'") == [(0,)]
    assert len(EventStore(home).parts("events")) <= 3


def test_every_row_of_oulad_is_accounted_for(oulad):
    """Enrolments, clicks and submissions; those who never began are not customers."""
    home, report = oulad
    tables = {table.table: table for table in report.tables}
    assert tables["customers.enrolments"].rows_read == 32_593
    assert dict(tables["customers.enrolments"].reasons) == {"left before the course began": 2_678}
    assert tables["events.clicks"].rows_read == 100_000
    assert tables["events.submissions"].rows_read == 173_912
    assert report.rows_read == report.rows_kept + report.rows_quarantined
    assert "unknown event" not in report.reasons
    assert count(home, "SELECT count(*) FROM customers WHERE gender IS NULL") == [(0,)]


def test_oulad_days_are_calendar_days(oulad):
    """Presentations begin in February and October; a day is known when it is over."""
    home, _ = oulad
    starts = count(
        home,
        "SELECT DISTINCT signed_up_at::DATE::VARCHAR AS day FROM customers"
        " GROUP BY signed_up_at HAVING count(*) > 1000 ORDER BY day",
    )
    assert [day for (day,) in starts] == ["2013-02-01", "2013-10-01", "2014-02-01", "2014-10-01"]
    assert count(
        home, "SELECT DISTINCT received_at - occurred_at = INTERVAL 12 HOUR FROM events"
    ) == [(True,)]


@pytest.mark.parametrize("path", sorted((ROOT / "datasets").glob("*.toml")), ids=lambda p: p.stem)
def test_a_shipped_file_says_where_its_data_come_from(path):
    """Name, source with licence, and every task it changes exist."""
    dataset = read_dataset(path)
    assert dataset.name == path.stem
    assert len(dataset.source) > 20
    assert set(dataset.tasks) <= set(tasks.discover())


PAGE = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
SAMPLE = re.compile(r"<!-- (file|dataset): (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
SAMPLES = {name: (kind, text) for kind, name, text in SAMPLE.findall(PAGE)}


def take(name: str, folder: Path) -> Path:
    """Write a sample of the page where the page says it is."""
    kind, text = SAMPLES[name]
    path = folder / (name if kind == "file" else f"{name}.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_page_s_worked_example_gives_what_the_page_says(tmp_path):
    """Ten rows read, five kept, and the table of reasons is the quarantine."""
    for name, (kind, _) in SAMPLES.items():
        if kind == "file":
            take(name, tmp_path)
    home = open_home(tmp_path / "home")
    report = ingest(home, take("csv", tmp_path), tmp_path / "drops")
    assert (report.rows_read, report.rows_kept) == (10, 5)
    assert count(home, "SELECT event_id, event, amount FROM events ORDER BY 1") == [
        ("1", "visit", None), ("2", "order", 49.9), ("7", "visit", None),
    ]  # fmt: skip
    assert count(home, "SELECT customer_id, country, age, signed_up_at::VARCHAR FROM customers"
                 " ORDER BY 1") == [
        ("u-17", "FR", 36.0, "2026-02-28 17:00:00"), ("u-18", None, None, "2026-03-01 10:55:00"),
    ]  # fmt: skip
    parts = [str(path) for path in EventStore(home).parts("quarantine")]
    found = duckdb.execute("SELECT row, reason FROM read_parquet(?) ORDER BY row", [parts])
    told = re.findall(r"^\| (\d+) \| `(.+)` \|$", PAGE, re.MULTILINE)
    assert found.fetchall() == [(int(row), reason) for row, reason in told]


def test_the_page_s_parquet_file_works(tmp_path):
    """Sub-folders, a reject rule, and customers from their first event."""
    rows = [
        {"user_name": name, "country": "de", "amount": amount, "happened": at, "loaded": at}
        for name, amount, at in [
            ("ann", 0.0, "2026-01-01 10:00"), ("ann", 5.0, "2026-01-02"), ("test-1", 1.0, ""),
        ]
    ]  # fmt: skip
    path = tmp_path / "drops" / "year=2026" / "month=1" / "a.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    home = open_home(tmp_path / "home")
    report = ingest(home, take("parquet", tmp_path), tmp_path / "drops")
    assert dict(report.reasons) == {"a test account": 1}
    assert count(home, "SELECT customer_id, country FROM customers") == [("ann", "DE")]


def test_the_page_s_database_works(tmp_path, monkeypatch):
    """Both queries are read, and the second run asks only for what is new."""
    database = sqlite3.connect(tmp_path / "crm.db")
    with database:
        database.execute("CREATE TABLE events (id INTEGER, user_id TEXT, kind TEXT, at, amount)")
        database.execute("CREATE TABLE users (user_id TEXT, joined TEXT, changed TEXT, plan TEXT)")
        database.execute("INSERT INTO events VALUES (1, 'ann', 'order', 1767225600, 9.5)")
        database.execute("INSERT INTO users VALUES ('ann', '2026-01-01', '2026-01-01', 'free')")
    monkeypatch.setenv("CRM_URL", f"sqlite:///{tmp_path / 'crm.db'}")
    home, toml = open_home(tmp_path / "home"), take("sql", tmp_path)
    assert ingest(home, toml).rows_kept == 2
    with database:
        database.execute("INSERT INTO events VALUES (2, 'ann', 'visit', 1767312000, NULL)")
    database.close()
    assert ingest(home, toml).rows_read == 1
    assert count(home, "SELECT event, occurred_at::VARCHAR FROM events ORDER BY 1") == [
        ("order", "2026-01-01 00:00:00"), ("visit", "2026-01-02 00:00:00"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "spec",
    [
        Mapping,
        Vocabulary,
        Column,
        TaskChoice,
        Limits,
        EventTable,
        CustomerTable,
        Lookup,
        FirstEvent,
    ],
)  # fmt: skip
def test_the_page_has_every_key(spec):
    """A key that the file may have and the page does not name is a secret."""
    missing = [name for name in spec.model_fields if not re.search(rf"[`.\[]{name}\b", PAGE)]
    assert not missing


def test_the_page_explains_every_reason(retail, oulad):
    """What real data ran into, and what the shipped rules do not name themselves."""
    for report in (retail[1], oulad[1]):
        own = ("price", "quantity", "left", "carried", "after")
        for reason in report.reasons:
            assert reason.startswith(own) or f"`{reason}`" in PAGE
