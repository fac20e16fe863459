"""A data set's file is read strictly, and what leaks cannot enter under any name."""

from __future__ import annotations

import pytest

from ingestion.mapping import read_mapping
from lifecycle.errors import DataError
from tests.ingestion.shops import CUSTOMERS, EVENTS, describe

LOOKUP = """
[[events.log.lookups]]
file = "other.csv"
on = ["id"]
take = { innocent = "OutCome" }
"""


def read(tmp_path, text):
    path = tmp_path / "shop.toml"
    path.write_text(text, encoding="utf-8")
    return read_mapping(path)


def test_a_sound_file_is_read(tmp_path):
    """Every key lands where it belongs."""
    mapping = read(tmp_path, describe())
    assert mapping.events["log"].columns["customer_id"] == "who"


@pytest.mark.parametrize(
    "expression",
    ["outcome", "OUTCOME", '"Outcome"', "coalesce(value, outcome)", "outcome::DOUBLE * 0 + value"],
)
def test_an_expression_over_a_leaking_column_is_refused(tmp_path, expression):
    """Neither capital letters, quotes nor arithmetic hide a leak."""
    events = EVENTS.replace('value = "value"', f"value = '''{expression}'''")
    with pytest.raises(
        DataError, match=r"events\.log\.properties\.value reads .* leaks: it is the"
    ):
        read(tmp_path, describe(events=events))


def test_a_leak_cannot_come_in_by_a_lookup_under_another_name(tmp_path):
    """The name it is taken under leaks as well."""
    events = EVENTS.replace('value = "value"', 'value = "innocent"') + LOOKUP
    with pytest.raises(DataError, match="leaking column under another name"):
        read(tmp_path, describe(events=events))


def test_a_leaking_column_may_decide_which_rows_are_refused(tmp_path):
    """Quarantine is not a feature."""
    events = EVENTS + "[events.log.reject]\n'left early' = \"outcome = 'left'\"\n"
    assert read(tmp_path, describe(events=events)).events["log"].reject


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"events": EVENTS.replace("files", "flies")}, "events.log.flies: Extra inputs"),
        ({"events": EVENTS.replace('files = ["log*.csv"]', "")}, "give either files or sql"),
        ({"events": EVENTS.replace('event = "what"', "")}, "columns lacks ['event']"),
        ({"events": EVENTS.replace('event = "what"', 'evnt = "what"')}, "columns has ['evnt']"),
        ({"events": EVENTS.replace("value =", "price =")}, "does not declare ['price']"),
        ({"customers": CUSTOMERS.replace('country = "country"', "")}, "which no table maps"),
        ({"customers": ""}, "give either [customers.<name>] or [customers_from_events]"),
        ({"zone": "Europe/Londn"}, "'Europe/Londn' is no zone"),
        (
            {"events": EVENTS + '[events.log.names]\nPurchase = "purchase"\n'},
            "leads to ['purchase'], not among vocabulary.events",
        ),
    ],
)
def test_a_fault_in_the_file_is_named(tmp_path, change, found):
    """The error says where, what was found, and which page has every key."""
    with pytest.raises(DataError) as caught:
        read(tmp_path, describe(**change))
    assert found in str(caught.value)
    assert str(caught.value).endswith("docs/datasets.md has every key.")
