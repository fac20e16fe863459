"""What is printed: strict JSON, aligned tables, no bars in a pipe."""

from __future__ import annotations

import json
import math

import pytest

from lifecycle.progress import silent
from onramp.console import bars, show, table


def test_a_report_is_strict_json(capsys: pytest.CaptureFixture[str]) -> None:
    """What a machine reads has no bare NaN; the lines are for people, and stay away."""
    show({"auc": 0.5, "ece": math.nan}, ["AUC 0.5"], as_json=True)
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "auc": 0.5, "ece": None,
    }  # fmt: skip


def test_a_pipe_gets_no_bars() -> None:
    """Standard error is no terminal in a test, in cron and in CI."""
    assert bars() is silent


def test_columns_are_aligned() -> None:
    """Each column starts where its heading does."""
    assert table([("task", "auc"), ("preference", "0.7")]) == [
        "task        auc",
        "preference  0.7",
    ]
