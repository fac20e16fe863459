"""Files become rows as they are; a lookup never changes how many."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lifecycle.errors import DataError, UnknownName
from tests.ingestion.shops import EVENTS

LOOKUP = """
[[events.log.lookups]]
file = "kinds.csv"
on = ["what"]
take = { kind = "kind" }
"""
RENAMED = EVENTS.replace('event = "what"', 'event = "kind"')


def test_a_lookup_brings_columns(make_shop):
    """Each row finds its partner; one without is judged by what it lacks."""
    shop = make_shop(events=RENAMED + LOOKUP)
    shop.put("kinds.csv", "what,kind", "7,visit", "8,buy", ",nothing")
    shop.log("log.csv", "a,ann,7,2026-01-01,,1", "b,ann,9,2026-01-01,,1", "c,ann,,2026-01-01,,1")
    report = shop.ingest()
    assert (report.rows_read, report.rows_kept, dict(report.reasons)) == (3, 1, {"no event": 2})


def test_a_lookup_by_a_key_that_repeats_is_refused(make_shop):
    """It would make two rows of one."""
    shop = make_shop(events=RENAMED + LOOKUP)
    shop.put("kinds.csv", "what,kind", "7,visit", "7,buy")
    shop.log("log.csv", "a,ann,7,2026-01-01,,1")
    with pytest.raises(DataError, match=r"cannot be looked up by what. \['7'\] comes 2 times"):
        shop.ingest()


def test_a_lookup_column_that_is_not_there_is_named(make_shop):
    """With the nearest name that is."""
    shop = make_shop(events=RENAMED + LOOKUP)
    shop.put("kinds.csv", "what,kinds", "7,visit")
    shop.log("log.csv", "a,ann,7,2026-01-01,,1")
    with pytest.raises(UnknownName, match=r"Did you mean 'kinds'"):
        shop.ingest()


def test_parquet_keeps_its_types_and_sub_folders_are_searched(make_shop):
    """Typed columns need no formats; ** goes down."""
    shop = make_shop(events=EVENTS.replace("log*.csv", "**/*.parquet"))
    path = shop.drop / "2026" / "01" / "log.parquet"
    path.parent.mkdir(parents=True)
    row = {"id": 7, "who": 12, "what": "buy", "at": 1767225600, "got": None, "value": 2}
    table = pa.Table.from_pylist([row])
    table = table.set_column(3, "at", table["at"].cast(pa.timestamp("s", tz="UTC")))
    pq.write_table(table.set_column(4, "got", table["at"]), path)
    assert shop.ingest().rows_kept == 1
    assert shop.rows("SELECT event_id, customer_id, value, occurred_at::VARCHAR FROM events") == [
        ("7", "12", 2.0, "2026-01-01 00:00:00")
    ]


def test_declared_types_and_words_for_missing_are_used(make_shop):
    """A value that does not fit its declared type has a reason; NA is no value."""
    events = EVENTS.replace(
        "[events.log.columns]",
        'types = { value = "integer" }\nmissing = ["", "NA"]\ndelimiter = ";"\n'
        "[events.log.columns]",
    )
    shop = make_shop(events=events)
    shop.put(
        "log.csv", "id;who;what;at;got;value",
        "a;ann;buy;2026-01-01;NA;NA", "b;ann;buy;2026-01-01;;x", "c;ann;buy;2026-01-01;;3",
    )  # fmt: skip
    assert dict(shop.ingest().reasons) == {"unreadable value": 1}
    assert shop.rows("SELECT event_id, value FROM events ORDER BY 1") == [("a", None), ("c", 3.0)]


def test_latin_1_is_read_when_said(make_shop):
    """And without saying so the error names the key."""
    events = EVENTS.replace("[events.log.columns]", 'encoding = "latin-1"\n[events.log.columns]')
    shop = make_shop(events=events)
    content = "id,who,what,at,got,value\na,José,buy,2026-01-01,,1\n"
    (shop.drop / "log.csv").write_bytes(content.encode("latin-1"))
    shop.ingest()
    assert shop.rows("SELECT customer_id FROM events") == [("José",)]


@pytest.mark.parametrize(
    ("header", "found"), [("id,who,Who", "Columns that come twice"), ("", "The file is empty")]
)
def test_a_header_that_cannot_be_used_is_told(shop, header, found):
    """Before any row is read."""
    shop.put("log.csv", header) if header else (shop.drop / "log.csv").write_text("")
    with pytest.raises(DataError, match=found):
        shop.ingest()


@pytest.mark.parametrize("expression", ["max(value)", "who + 1", "nosuchfunction(who)"])
def test_an_expression_that_cannot_be_computed_is_told(make_shop, expression):
    """The error names its key and what DuckDB said."""
    shop = make_shop(events=EVENTS.replace('value = "value"', f'value = "{expression}"'))
    shop.log("log.csv", "a,ann,buy,2026-01-01,,1")
    with pytest.raises(DataError, match=r"events\.log\.properties\.value cannot be computed"):
        shop.ingest()


def test_an_expression_that_fails_on_one_row_loses_only_that_value(make_shop):
    """One bad row does not stop the file."""
    shop = make_shop(events=EVENTS.replace('value = "value"', 'value = "value::INTEGER * 2"'))
    shop.log("log.csv", "a,ann,buy,2026-01-01,,x", "b,ann,buy,2026-01-01,,4")
    shop.ingest()
    assert shop.rows("SELECT event_id, value FROM events ORDER BY 1") == [("a", None), ("b", 8.0)]
