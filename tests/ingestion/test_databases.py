"""A query's answer is a source like a file, and its URL stays a secret."""

from __future__ import annotations

import sqlite3

import pytest

from lifecycle.errors import DataError, UsageError
from tests.ingestion.shops import CUSTOMERS

BY_QUERY = """
[events.log]
url_env = "SHOP_URL"
sql = "SELECT id, who, what, at, price FROM log {where} ORDER BY id"
{resume}
[events.log.columns]
event_id = "id"
customer_id = "who"
event = "what"
occurred_at = "at"
[events.log.properties]
value = "price"
"""
WHOLE = BY_QUERY.format(where="", resume="")
RESUMED = BY_QUERY.format(where="WHERE id > :after", resume='resume = "id"\nresume_from = 0')


@pytest.fixture
def database(tmp_path, monkeypatch):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE log (id INTEGER, who TEXT, what TEXT, at TEXT, price)")
    connection.close()
    monkeypatch.setenv("SHOP_URL", f"sqlite:///{path}")
    return path


def insert(path, *rows):
    connection = sqlite3.connect(path)
    with connection:
        connection.executemany("INSERT INTO log VALUES (?,?,?,?,?)", rows)
    connection.close()


def test_a_query_is_read_like_a_file(make_shop, database):
    """Rows are kept or quarantined; the same answer again adds nothing."""
    shop = make_shop(events=WHOLE)
    insert(database, (1, "ann", "buy", "2026-01-01 10:00", 9.5), (2, None, "buy", "2026-01-01", 1))
    report = shop.ingest()
    assert (report.rows_read, report.rows_kept, dict(report.reasons)) == (
        2,
        1,
        {"no customer_id": 1},
    )
    assert shop.ingest().rows_read == 0
    assert shop.rows("SELECT event_id, value FROM events") == [("1", 9.5)]


def test_a_resumed_query_reads_only_what_is_new(make_shop, database):
    """The largest value of its column is handed to the next run."""
    shop = make_shop(events=RESUMED)
    insert(database, *((i, "ann", "buy", "2026-01-01", i) for i in range(1, 4)))
    assert shop.ingest().rows_read == 3
    insert(database, (4, "bob", "buy", "2026-01-02", 4.25))
    report = shop.ingest()
    assert (report.rows_read, report.rows_kept) == (1, 1)
    assert shop.rows("SELECT max(value) FROM events") == [(4.25,)]


def test_an_answer_longer_than_a_chunk_is_read_whole(make_shop, database):
    """Chunks bound memory and lose nothing."""
    shop = make_shop(events=WHOLE)
    insert(database, *((i, "ann", "visit", "2026-01-01", None) for i in range(100_003)))
    assert shop.ingest().rows_kept == 100_003


def test_a_missing_variable_is_named(make_shop, monkeypatch):
    """The error says which variable to set."""
    monkeypatch.delenv("SHOP_URL", raising=False)
    with pytest.raises(UsageError, match=r"The variable SHOP_URL is not set"):
        make_shop(events=WHOLE).ingest()


@pytest.mark.parametrize(
    "url", ["sqlite:////no/such/folder/hunter2.db", "nodialect://me:hunter2@host/db", "hunter2"]
)
def test_the_url_never_shows(make_shop, monkeypatch, url):
    """Neither message nor chain holds the password."""
    monkeypatch.setenv("SHOP_URL", url)
    with pytest.raises(DataError) as caught:
        make_shop(events=WHOLE, customers=CUSTOMERS).ingest()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert "SHOP_URL" in str(caught.value)
