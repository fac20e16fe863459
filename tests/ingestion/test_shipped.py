"""The real data sets go in whole, and the numbers are those that their sources state."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion import ingest
from lifecycle.dataset import read_dataset
from lifecycle.event_store import EventStore
from lifecycle.home import open_home

ROOT = Path(__file__).resolve().parents[2]


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
    import tasks

    dataset = read_dataset(path)
    assert dataset.name == path.stem
    assert len(dataset.source) > 20
    assert set(dataset.tasks) <= set(tasks.discover())
