"""A budget is written as people write time, and anything else is refused with an example."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from onramp.duration import Duration, budget_option
from onramp.workers import MOST_UNASKED, cores


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("60s", 60), ("90", 90), ("0.5m", 30), ("5m", 300), ("1H", 3600), (" 2 h ", 7200),
        ("1h30m", 5400), (10.0, 10),
    ],
)  # fmt: skip
def test_time_is_read_with_its_unit(written: str | float, seconds: float) -> None:
    """Seconds, minutes, hours; a number alone is seconds."""
    assert Duration().convert(written, None, None) == seconds


@pytest.mark.parametrize("written", ["", "soon", "-5s", "0s", "1d", "1h30", "nan", "9" * 400])
def test_what_is_no_time_is_refused(written: str) -> None:
    """The error shows how it is written, and the exit code says wrong usage."""

    @click.command()
    @budget_option
    def verb(seconds: float | None) -> None: ...

    done = CliRunner().invoke(verb, ["--budget", written])
    assert done.exit_code == 2
    assert "Invalid value for '--budget'" in done.output
    assert "Write it as 60s, 5m or 1h" in done.output


def test_workers_are_cores_but_few() -> None:
    """Unasked, a search leaves cores to others."""
    assert 1 <= cores() <= MOST_UNASKED
