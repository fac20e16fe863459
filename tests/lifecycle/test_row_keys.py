"""Row keys: stable over processes, zones and order; different for different moments."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.row_keys import count_seen, row_keys

FRAME = pd.DataFrame(
    {
        "customer_id": ["a", "b", "ünï"],
        "event_timestamp": pd.to_datetime(
            ["2025-01-01T00:00:00.000001Z", "2025-01-01T00:00:00.000001Z", "2025-06-30T12:00:00Z"],
            format="ISO8601",
        ),
    }
)


def test_keys_never_change() -> None:
    """A key written today is the key of the same row in every process and release."""
    code = (
        "import pandas as pd; from lifecycle.row_keys import row_keys;"
        "print(row_keys(pd.DataFrame({'customer_id': ['a'],"
        " 'event_timestamp': pd.to_datetime(['2025-01-01T00:00:00.000001Z'])}))[0])"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(other.stdout) == int(row_keys(FRAME)[0]) == 6665241226398779168


def test_the_zone_does_not_matter() -> None:
    """One instant has one key, whether written in UTC, in Berlin, or naive in UTC."""
    there = FRAME.assign(event_timestamp=FRAME["event_timestamp"].dt.tz_convert("Europe/Berlin"))
    naive = FRAME.assign(event_timestamp=FRAME["event_timestamp"].dt.tz_localize(None))
    coarse = FRAME.assign(event_timestamp=FRAME["event_timestamp"].dt.as_unit("us"))
    for same in (there, naive, coarse):
        assert np.array_equal(row_keys(FRAME), row_keys(same))


@given(st.lists(st.tuples(st.text(), st.integers(0, 10**15)), unique=True, max_size=40))
@settings(deadline=None, max_examples=40)
def test_different_moments_have_different_keys(moments: list[tuple[str, int]]) -> None:
    """No two moments among many share a key, whatever the ids look like."""
    frame = pd.DataFrame(moments, columns=["customer_id", "time"])
    frame["event_timestamp"] = pd.to_datetime(frame["time"].astype("int64"), unit="us", utc=True)
    keys = row_keys(frame)
    assert keys.dtype == np.uint64
    assert len(set(keys.tolist())) == len(moments)


def test_an_overlap_is_counted_once_a_row() -> None:
    """A row that both models have seen is one seen row."""
    keys = row_keys(FRAME)
    assert count_seen(keys, keys[:2], keys[1:2]) == 2
    assert count_seen(keys) == 0
