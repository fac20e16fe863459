"""What `onramp leaderboard` prints."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from onramp.verbs.leaderboard import lines
from training.leaderboard import Exam, Leaderboard, Standing

ONE = Standing(
    rank=1, version=7, aliases=("champion",), run_id="0123456789abcdef",
    at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC), algorithms="lightgbm", made="refit",
    balancing="smote", calibrator="scaling", trials=40, seed=0, as_of="2026-01-01",
    metrics={"log_loss": 0.41234, "roc_auc": 0.8467}, baseline=("logistic_regression", 0.42),
    verdict="promote", warnings="",
)  # fmt: skip
EXAM = Exam(
    judged_on="aa", rows=1234, first="2025-11-01", last="2025-12-01",
    standings=(ONE, replace(ONE, rank=None, version=None, aliases=(), metrics={}, baseline=None)),
)  # fmt: skip
BOARD = Leaderboard(
    task="churn", by="log_loss", higher_is_better=False, exams=(EXAM,), unfinished=0
)


def test_a_training_is_one_line() -> None:
    """Rank, version with its aliases, numbers, baseline, model, verdict and run."""
    first, _, heading, head, row, unmeasured = lines(BOARD)
    assert first == "churn by log_loss (lower is better)"
    assert heading == "On the same 1,234 test rows, moments from 2025-11-01 to 2025-12-01"
    assert head.split("  ")[0] == "rank"
    assert row.split() == [
        "1", "7", "champion", "0.4123", "0.8467", "0.4200", "logistic_regression", "lightgbm,",
        "smote", "40", "2026-01-02", "03:04", "promote", "01234567",
    ]  # fmt: skip
    assert unmeasured.split()[:5] == ["–", "–", "–", "–", "–"]


def test_other_test_rows_are_set_apart() -> None:
    """Each exam has its own table, and a sentence says why."""
    said = "\n".join(lines(replace(BOARD, exams=(EXAM, EXAM), unfinished=2)))
    assert said.count("On the same 1,234 test rows") == 2
    assert "Numbers of different test rows cannot be compared." in said
    assert "Runs without an end, and so without numbers: 2." in said
    assert "cannot be compared" not in "\n".join(lines(BOARD))
