"""A time of any shape becomes the right moment in UTC."""

from __future__ import annotations

import duckdb
import pytest

from ingestion.times import Clock
from lifecycle.errors import DataError

LONDON = "Europe/London"


def read(value: str, *, formats=(), zone="UTC", kind="VARCHAR"):
    """(moment as ISO text or None, whether the clocks skipped it)."""
    moment = Clock(tuple(formats), zone).read("at", "x", kind)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        [(at, skipped)] = connection.execute(
            f"SELECT strftime({moment.value}, '%Y-%m-%dT%H:%M:%S'), {moment.skipped}"
            f" FROM (SELECT $value::{kind} AS x)",
            {"value": value},
        ).fetchall()
    return at, skipped


@pytest.mark.parametrize(
    ("value", "zone", "at"),
    [
        ("2026-01-15 12:00:00", "UTC", "2026-01-15T12:00:00"),
        ("2026-01-15", "UTC", "2026-01-15T00:00:00"),
        ("2026-01-15T12:00:00Z", LONDON, "2026-01-15T12:00:00"),
        ("2026-07-15 12:00:00+05:30", LONDON, "2026-07-15T06:30:00"),
        ("2026-07-15T12:00:00.250-0700", LONDON, "2026-07-15T19:00:00"),
        ("2026-01-15 12:00", LONDON, "2026-01-15T12:00:00"),
        ("2026-07-15 12:00", LONDON, "2026-07-15T11:00:00"),
        ("2026-01-15 12:00", "Asia/Kolkata", "2026-01-15T06:30:00"),
        # The hour that comes twice in autumn: the second one.
        ("2026-10-25 01:30", LONDON, "2026-10-25T01:30:00"),
        ("2026-10-25 00:30", LONDON, "2026-10-24T23:30:00"),
        ("nonsense", "UTC", None),
        ("2026-02-30", "UTC", None),
        ("infinity", "UTC", None),
    ],
)
def test_text_is_read_as_iso_in_its_zone(value, zone, at):
    """An offset decides; without one the data set's zone does, summer time included."""
    assert read(value, zone=zone) == (at, False)


def test_an_hour_that_no_clock_showed_is_told():
    """In spring an hour is skipped; a time within it comes from a wrong zone."""
    assert read("2026-03-29 01:30", zone=LONDON)[1]
    assert not read("2026-03-29 01:30Z", zone=LONDON)[1]
    assert not read("2026-03-29 02:00", zone=LONDON)[1]


@pytest.mark.parametrize(
    ("value", "formats", "kind", "at"),
    [
        ("15/07/2026 12:00", ["%d/%m/%Y %H:%M"], "VARCHAR", "2026-07-15T11:00:00"),
        ("15/07/2026", ["%d/%m/%Y %H:%M", "%d/%m/%Y"], "VARCHAR", "2026-07-14T23:00:00"),
        ("2026-07-15 12:00 +0200", ["%Y-%m-%d %H:%M %z"], "VARCHAR", "2026-07-15T10:00:00"),
        ("1767225600", ["epoch_s"], "BIGINT", "2026-01-01T00:00:00"),
        ("1767225600000", ["epoch_ms"], "VARCHAR", "2026-01-01T00:00:00"),
        ("1767225600.5", ["epoch_s"], "DOUBLE", "2026-01-01T00:00:00"),
        ("1e300", ["epoch_s"], "DOUBLE", None),
        ("2026-07-15", [], "DATE", "2026-07-14T23:00:00"),
        ("2026-07-15 12:00:00", [], "TIMESTAMP", "2026-07-15T11:00:00"),
        ("2026-07-15 12:00:00+00", [], "TIMESTAMP WITH TIME ZONE", "2026-07-15T12:00:00"),
    ],
)
def test_other_shapes_are_read_as_said(value, formats, kind, at):
    """Formats, epochs and typed columns, in London."""
    assert read(value, formats=formats, zone=LONDON, kind=kind)[0] == at


def test_a_number_without_a_unit_is_refused():
    """Seconds or milliseconds is not ours to guess."""
    with pytest.raises(DataError, match=r'Say time_format = "epoch_s"'):
        Clock((), "UTC").read("at", "x", "BIGINT")
