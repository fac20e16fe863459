"""Every row read is in the store or in quarantine, once, whatever happens on the way."""

from __future__ import annotations

import json

import duckdb
import pytest

from ingestion.lock import only_writer
from lifecycle.errors import Busy, DataError, UsageError
from lifecycle.event_store import EventStore
from tests.ingestion.shops import DERIVED, WITHOUT_ID

T = "2026-01-0"


def test_a_first_run_stores_events_and_customers(shop):
    """A sound row becomes one event or customer with UTC times."""
    shop.log("log.csv", "e1,ann,visit,2026-01-01 10:00,2026-01-01 10:01,3.5")
    shop.people("people.csv", "ann,2026-01-01 09:00,,DE")
    report = shop.ingest()
    assert (report.rows_read, report.rows_kept, report.rows_quarantined) == (2, 2, 0)
    [event] = shop.rows(
        "SELECT event_id, customer_id, event, value, occurred_at::VARCHAR FROM events"
    )
    assert event == ("e1", "ann", "visit", 3.5, "2026-01-01 10:00:00")
    # Without a time of receipt, a sign-up was known when it happened.
    assert shop.rows("SELECT customer_id, signed_up_at = received_at, country FROM customers") == [
        ("ann", True, "DE")
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("e,,visit,2026-01-01,,", "no customer_id"),
        ("e,ann,,2026-01-01,,", "no event"),
        ("e,ann,fly,2026-01-01,,", "unknown event"),
        ("e,ann,visit,,,", "no occurred_at"),
        ("e,ann,visit,2026-02-30,,", "unreadable occurred_at"),
        ("e,ann,visit,infinity,,", "unreadable occurred_at"),
        ("e,ann,visit,1969-12-31,,", "occurred_at before 1970-01-02"),
        ("e,ann,visit,2026-01-01,soon,", "unreadable received_at"),
        ("e,ann,visit,2026-01-02,2026-01-01,", "happened after it was received"),
        ("e,ann,visit,2026-01-01,,abc", "unreadable value"),
        ("e,ann,visit,2026-01-01,,-0.1", "value below 0"),
        ("e,ann,visit,2026-01-01,,1000.5", "value above 1000"),
        ("e,ann,visit,2026-01-01", "malformed line: missing columns"),
        ("e,ann,visit,2026-01-01,,1,2,3", "malformed line: too many columns"),
    ],
)
def test_an_unusable_row_is_quarantined_with_its_reason(shop, line, reason):
    """The reason names what is wrong, and the rest of the file is kept."""
    shop.log("log.csv", "good,ann,visit,2026-01-01,,", line)
    report = shop.ingest()
    assert dict(report.reasons) == {reason: 1}
    assert shop.rows("SELECT event_id FROM events") == [("good",)]
    [(source, row, why)] = shop.quarantine()
    assert (source, why) == ("log.csv", reason)
    assert row in (2, 3)  # the second row; of a malformed line, the line


def test_a_quarantined_row_keeps_what_it_said(shop):
    """The row itself is in quarantine, so that nothing is lost."""
    shop.log("log.csv", "e,李雷,fly,2026-01-01,,7")
    shop.ingest()
    [path] = EventStore(shop.home).parts("quarantine")
    content = duckdb.execute("SELECT content FROM read_parquet(?)", [str(path)]).fetchall()[0][0]
    assert json.loads(content) == {
        "id": "e", "who": "李雷", "what": "fly", "at": "2026-01-01", "got": None, "value": "7",
    }  # fmt: skip


def test_a_clock_a_little_ahead_is_set_back_to_the_receipt(shop):
    """Within the clock skew an event is kept, and happened when it was received."""
    shop.log("log.csv", "e,ann,visit,2026-01-01 10:04:59,2026-01-01 10:00,1")
    report = shop.ingest()
    [table] = [t for t in report.tables if t.table == "events.log"]
    assert (table.rows_kept, table.clamped) == (1, 1)
    assert shop.rows("SELECT occurred_at = received_at FROM events") == [(True,)]


def test_an_infinite_number_becomes_missing_and_is_counted(shop):
    """Infinity loses the value, not the row."""
    shop.log("log.csv", "a,ann,visit,2026-01-01,,inf", "b,ann,visit,2026-01-01,,-inf")
    report = shop.ingest()
    assert [dict(t.blanked) for t in report.tables if t.table == "events.log"] == [{"value": 2}]
    assert shop.rows("SELECT DISTINCT value FROM events") == [(None,)]


def test_on_the_wall_clock_the_future_is_refused(make_shop):
    """Where today is today, a row from tomorrow waits in quarantine."""
    shop = make_shop(clock="wall")
    shop.log("log.csv", "a,ann,visit,2999-01-01,,1", "b,ann,visit,2020-01-01,,1")
    assert dict(shop.ingest().reasons) == {"from the future": 1}


def test_the_first_of_equal_event_ids_wins(shop):
    """Within a file, across files and across runs, the first row read is the event."""
    shop.log("log1.csv", "e,ann,visit,2026-01-01,,1", "e,ann,visit,2026-01-01,,2")
    shop.log("log2.csv", "e,ann,visit,2026-01-01,,3")
    assert dict(shop.ingest().reasons) == {"duplicate": 2}
    shop.log("log3.csv", "e,ann,visit,2026-01-01,,4")
    assert dict(shop.ingest().reasons) == {"duplicate": 1}
    assert shop.rows("SELECT value FROM events") == [(1.0,)]


def test_without_an_id_equal_rows_are_one_event(make_shop):
    """The id is a hash of all values: equal rows are duplicates, others are not."""
    shop = make_shop(events=WITHOUT_ID)
    shop.log(
        "log.csv",
        ",ann,visit,2026-01-01,,1",
        ",ann,visit,2026-01-01,,1",
        ",ann,visit,2026-01-01,,2",
    )
    report = shop.ingest()
    assert (report.rows_kept, dict(report.reasons)) == (2, {"duplicate": 1})


def test_a_customer_signs_up_once_and_may_change(shop):
    """First sign-up wins; another profile later is a new version; the same again is a duplicate."""
    shop.people(
        "people1.csv",
        "ann,2026-01-01,2026-01-01,DE",
        "ann,2026-01-01,2026-01-01,DE",
        "ann,2026-01-02,2026-01-03,DE",
        "ann,2026-01-01,2026-01-05,FR",
        "ann,2026-01-01,2026-01-05,IT",
    )
    assert dict(shop.ingest().reasons) == {
        "duplicate": 1, "sign-up changed": 1, "two profiles at one time": 1,
    }  # fmt: skip
    shop.people("people2.csv", "ann,2026-01-09,2026-01-09,US", "ann,2026-01-01,2026-01-05,FR")
    assert dict(shop.ingest().reasons) == {"sign-up changed": 1, "duplicate": 1}
    versions = shop.rows("SELECT received_at::DATE::VARCHAR, country FROM customers ORDER BY 1")
    assert versions == [("2026-01-01", "DE"), ("2026-01-05", "FR")]


def test_customers_may_come_from_their_first_event(make_shop):
    """The earliest kept event of the first file that shows a customer is the sign-up."""
    shop = make_shop(customers=DERIVED)
    shop.log(
        "log1.csv",
        "a,ann,visit,2026-01-03,,2", "b,ann,visit,2026-01-02,,1", "c,ann,fly,2026-01-01,,3",
    )  # fmt: skip
    shop.log("log2.csv", "d,ann,visit,2026-01-01,,9", "e,bob,visit,2026-01-05,,5")
    [table] = shop.ingest().tables
    assert table.customers_new == 2
    shop.log("log3.csv", "f,bob,visit,2026-01-01,,7")
    assert shop.ingest().tables[0].customers_new == 0
    assert shop.rows(
        "SELECT customer_id, signed_up_at::DATE::VARCHAR, country FROM customers ORDER BY 1"
    ) == [("ann", "2026-01-02", "1"), ("bob", "2026-01-05", "5")]


def test_reading_again_adds_nothing_and_a_new_file_only_itself(shop):
    """Sources are known by their bytes."""
    shop.log("log1.csv", "a,ann,visit,2026-01-01,,1")
    shop.people("people.csv", "ann,2026-01-01,,DE")
    shop.ingest()
    again = shop.ingest()
    assert (again.rows_read, [t.sources_known for t in again.tables]) == (0, [1, 1])
    shop.log("log2.csv", "b,ann,visit,2026-01-02,,1")
    new = shop.ingest()
    assert (new.rows_read, new.rows_kept) == (1, 1)
    assert shop.rows("SELECT count(*) FROM events") == [(2,)]


def test_another_data_set_needs_another_home(shop):
    """A home belongs to one data set, and the error says how to have two."""
    shop.log("log.csv", "a,ann,visit,2026-01-01,,1")
    shop.ingest()
    shop.describe(shop.toml.read_text().replace('name = "shop"', 'name = "other"'))
    with pytest.raises(UsageError, match=r"belongs to the data set 'shop'.*ONRAMP_HOME"):
        shop.ingest()


def test_a_changed_description_is_taken_up_and_noted(shop):
    """The home's copy follows the file; rows read before stay as they were."""
    shop.log("log.csv", "a,ann,visit,2026-01-01,,1")
    shop.ingest()
    shop.describe(shop.toml.read_text().replace("A shop", "The shop"))
    report = shop.ingest()
    assert report.notes[0].startswith("shop.toml has changed.")
    assert shop.home.dataset().title == "The shop"


def test_nothing_to_read_is_an_error(shop):
    """An empty folder is more likely a wrong one than a day without events."""
    with pytest.raises(DataError, match=r"Nothing to read.*people\*\.csv, log\*\.csv"):
        shop.ingest()


def test_only_one_ingestion_runs_in_a_home(shop):
    """The second is told, and nothing is mixed."""
    shop.log("log.csv", "a,ann,visit,2026-01-01,,1")
    with only_writer(shop.home), pytest.raises(Busy, match="Another ingestion is under way"):
        shop.ingest()


def test_a_missing_column_is_named_with_its_file_and_a_near_name(shop):
    """A file of another shape stops the run before anything of it is stored."""
    shop.put("log.csv", "id,whom,what,at,got,value", "a,ann,visit,2026-01-01,,1")
    with pytest.raises(UsageError) as caught:
        shop.ingest()
    assert str(caught.value).startswith(
        "No column of log.csv for events.log.columns.customer_id named 'who'."
    )
    assert str(caught.value).endswith("Did you mean 'whom'?")


def test_crlf_bom_and_quoted_newlines_are_read(shop):
    """What spreadsheets write is CSV too."""
    (shop.drop / "log.csv").write_bytes(
        '\ufeffid,who,what,at,got,value\r\na,"an\r\nn",visit,2026-01-01,,1\r\n'.encode()
    )
    report = shop.ingest()
    assert (report.rows_read, report.rows_kept) == (1, 1)
