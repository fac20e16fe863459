"""A bar says how far, how fast and how it stands."""

from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest

from lifecycle.progress import bar, pace


def test_a_bar_shows_how_work_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The count, the pace and the last note; a note stays until the next one."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # rich's own word for "take it for a terminal"
    seen = io.StringIO()
    with redirect_stderr(seen), bar("search churn [1]", 40) as advance:
        advance(1, "best 0.4500")
        advance(1)
        advance(1, "best 0.4123")
        advance(1)
    assert "search churn [1]" in seen.getvalue()
    assert "4/40" in seen.getvalue()
    assert "best 0.4123" in seen.getvalue()


@pytest.mark.parametrize(
    ("speed", "said"),
    [(None, ""), (0.0, ""), (0.314, "0.31/s"), (4.2, "4.2/s"), (12345, "12,345/s")],
)
def test_a_pace_is_short(speed: float | None, said: str) -> None:
    """What is slow keeps its decimals, what is fast needs none."""
    assert pace(speed) == said
