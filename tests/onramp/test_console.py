"""What is printed: strict JSON, aligned tables, no bars in a pipe."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.progress import silent
from onramp.console import bars, plain, table


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
