"""A time is read as it was meant, or refused with an example."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.duration import seconds_in
from lifecycle.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60), ("5m", 300), ("1h", 3600), ("1.5h", 5400), ("1h30m", 5400), (" 2 M ", 120),
        ("45", 45),
    ],
)  # fmt: skip
def test_a_time_is_read(text: str, seconds: float) -> None:
    """With a unit, with several, or in bare seconds."""
    assert seconds_in(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "0s", "-5m", "5d", "nan", "inf", "5m later", "s", "1..5h"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """Nothing, less than nothing, for ever, and units that nobody knows."""
    with pytest.raises(UsageError, match="Write it as 60s, 5m or 1h"):
        seconds_in(text)


@given(st.text(max_size=8))
def test_any_text_is_a_time_or_a_clear_error(text: str) -> None:
    """Never another exception, never a time that is not positive."""
    with suppress(UsageError):
        assert seconds_in(text) > 0
