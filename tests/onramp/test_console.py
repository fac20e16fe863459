"""What is printed: strict JSON, aligned tables, no bars in a pipe."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.progress import silent
from onramp.console import bar, bars, pace, plain, table


@dataclass(frozen=True)
class Report:
    at: datetime
    where: Path
    scores: dict[str, float]


def test_a_report_becomes_strict_json() -> None:
    """NaN and infinity are null, times are ISO 8601, numpy numbers are numbers."""
    report = Report(
        at=datetime(2026, 1, 1, tzinfo=UTC),
        where=Path("reports"),
        scores={"auc": np.float64(0.5), "ece": float("nan"), "loss": float("inf")},
    )
    assert json.loads(json.dumps(plain(report), allow_nan=False)) == {
        "at": "2026-01-01T00:00:00+00:00",
        "where": "reports",
        "scores": {"auc": 0.5, "ece": None, "loss": None},
    }


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.frozensets(st.text()),
)


@given(values)
def test_nothing_breaks_strict_json(value: object) -> None:
    """Whatever a report holds, a machine can read it."""
    json.loads(json.dumps(plain(value), allow_nan=False))


def test_a_pipe_gets_no_bars() -> None:
    """Standard error is no terminal in a test, in cron and in CI."""
    assert bars() is silent


def test_columns_are_aligned() -> None:
    """Each column starts where its heading does."""
    assert table([("task", "auc"), ("preference", "0.7")]) == [
        "task        auc",
        "preference  0.7",
    ]


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
