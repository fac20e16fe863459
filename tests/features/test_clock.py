from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from features.clock import clock
from lifecycle.home import Home
from tests.features.canonical import START, TOML, customer, days, event, fill, settle


def test_a_data_set_of_the_past_has_its_own_now(home: Home) -> None:
    """Now is when the newest row was received, and moves when another is."""
    fill(home, [customer("a", START)], [])
    assert clock(home) == START
    fill(home, [], [event("a", "login", START, received_at=START + days(3))])
    assert clock(home) == START + days(3)


def test_a_living_data_set_is_on_the_wall_clock(tmp_path: Path) -> None:
    """With clock = wall, now is now."""
    home = settle(tmp_path / "home", TOML.replace('clock = "data"', 'clock = "wall"'))
    assert abs(clock(home) - datetime.now(UTC)) < timedelta(seconds=5)
