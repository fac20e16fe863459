from __future__ import annotations

from dataclasses import replace

import pytest

from features.build import BuildReport
from features.leakage import Leak, find_leaks, leaks, sample
from features.tables import tables
from lifecycle.home import Home
from tests.features.canonical import AS_OF


def peeking(home: Home, view: int, honest: str, dishonest: str) -> set[str]:
    """The features found when the view's SQL looks ahead."""
    dataset = home.dataset()
    table = tables(home, dataset)[view]
    assert honest in table.sql
    planted = replace(table, sql=table.sql.replace(honest, dishonest))
    found = leaks(sample(home, dataset, AS_OF, 60), planted, dataset)
    assert all(isinstance(leak, Leak) for leak in found)
    return {leak.feature for leak in found}


def test_no_feature_looks_ahead(built: tuple[Home, BuildReport]) -> None:
    """With a future planted behind every moment, no feature of the catalogue differs."""
    assert find_leaks(built[0], as_of=AS_OF) == ()


@pytest.mark.parametrize("ahead", ["1 SECOND", "1 MICROSECOND"])
def test_a_feature_that_peeks_ahead_is_caught(ahead: str, built: tuple[Home, BuildReport]) -> None:
    """The canary: one second of the future, or the least that there is, is found everywhere."""
    found = peeking(
        built[0], 0, "e.occurred_at <= m.moment AND e.received_at <= m.moment",
        f"e.occurred_at <= m.moment + INTERVAL {ahead}"
        f" AND e.received_at <= m.moment + INTERVAL {ahead}",
    )  # fmt: skip
    assert {"count_login_1d", "events_30d", "active_days_7d", "value_sum_1d"} <= found
    assert {"days_since_last_activity", "share_video_7d", "sessions_1d"} <= found


def test_a_feature_that_takes_events_received_later_is_caught(
    built: tuple[Home, BuildReport],
) -> None:
    """The canary of late data: forgetting received_at is found."""
    found = peeking(built[0], 0, " AND e.received_at <= m.moment", "")
    assert "events_1d" in found


def test_a_profile_from_the_future_is_caught(built: tuple[Home, BuildReport]) -> None:
    """The canary of profiles: taking the newest version instead of the known one is found."""
    found = peeking(built[0], 1, " AND e.received_at <= m.moment", "")
    assert "profile_country" in found
    assert "days_since_sign_up" not in found
