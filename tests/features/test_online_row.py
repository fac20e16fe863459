from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from features.online_row import online_row
from features.tables import TTL

NOW = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)


def micros(moment: datetime) -> float:
    return float((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("markers", "status", "moment"),
    [
        ([NOW, NOW], "found", NOW),
        ([NOW - TTL, NOW - TTL], "found", NOW - TTL),
        ([NOW, NOW - timedelta(hours=2)], "found", NOW - timedelta(hours=2)),
        ([NOW, NOW - TTL - timedelta(microseconds=1)], "stale",
         NOW - TTL - timedelta(microseconds=1)),
        ([NOW, None], "unknown", None),
        ([None, None], "unknown", None),
        ([], "unknown", None),
    ],
)  # fmt: skip
def test_one_rule_says_found_stale_or_unknown(
    markers: list[datetime | None], status: str, moment: datetime | None
) -> None:
    """The oldest view decides; without a row in every view the customer is unknown."""
    values = {"events_7d": 3.0}
    found = online_row("a", values, [m and micros(m) for m in markers], NOW)
    assert (found.status, found.event_timestamp) == (status, moment)
    assert found.values == (values if status == "found" else {"events_7d": None})
