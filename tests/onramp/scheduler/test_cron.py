"""onramp.scheduler.cron: when an expression comes true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.errors import UsageError
from onramp.scheduler.cron import Cron

SUNDAY_NIGHT = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  their zone is given


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15 2 * * *", "2026-11-23 02:15"),
        ("0 4 * * 1", "2026-11-23 04:00"),
        ("*/20 23 * * *", "2026-11-22 23:20"),
        ("0 23 * * *", "2026-11-23 23:00"),  # this very minute is past
        ("29 2 29 2 *", "2028-02-29 02:29"),
        ("0 0 13 * 5", "2026-11-27 00:00"),  # the 13th or a Friday, whichever comes first
        ("0 0 */2 * 1", "2026-11-23 00:00"),  # an odd day that is a Monday
        ("0 6,18 1-3 12 *", "2026-12-01 06:00"),
        ("@weekly", "2026-11-29 00:00"),
        ("0 0 * * 7", "2026-11-29 00:00"),
    ],
)
def test_it_comes_true_when_cron_would_say(text: str, expected: str) -> None:
    """Also over a leap year, and by either of two day fields."""
    assert f"{Cron(text).after(SUNDAY_NIGHT):%Y-%m-%d %H:%M}" == expected


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "61 * * * *", "0 0 30 2 *", "a b c d e", "0 0 * * mon", "*/0 * * * *", "@noon"],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    """With how to write one; a day that never comes is refused, too."""
    with pytest.raises(UsageError, match="Write it as in a crontab"):
        Cron(text)


@settings(deadline=None, max_examples=25)
@given(minute=st.integers(0, 59), hour=st.integers(0, 23), weekday=st.integers(0, 6), when=TIMES)
def test_the_next_time_is_the_first_that_matches(
    minute: int, hour: int, weekday: int, when: datetime
) -> None:
    """After the moment, at the named minute of the named day, and no such minute is passed over."""
    found = Cron(f"{minute} {hour} * * {weekday}").after(when)
    assert (found.minute, found.hour, found.isoweekday() % 7) == (minute, hour, weekday)
    assert timedelta(0) < found - when <= timedelta(days=7)
