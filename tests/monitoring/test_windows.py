"""Windows hold each moment once and lie end to end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.home import open_home
from lifecycle.prediction_log import Prediction, PredictionLog
from monitoring.windows import cut, spans

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def answer(customer: str | None, days_ago: float, **changes: object) -> Prediction:
    moment = NOW - timedelta(days=days_ago)
    return Prediction(**{
        "receipt_id": f"{customer}-{days_ago}-{sorted(changes.items())}", "task": "churn",
        "version": 1, "customer_id": customer, "event_timestamp": moment, "scored_at": moment,
        "origin": "batch", "prediction": 0.5, "answer": "no",
        "probabilities": {"no": 0.5, "yes": 0.5}, "features": {"visits": 1.0}, **changes,
    })  # fmt: skip


def log_of(folder: Path, *answers: Prediction) -> PredictionLog:
    log = PredictionLog(open_home(folder / "home"))
    log.write(answers)
    return log


@given(days=st.integers(1, 30), count=st.integers(1, 6))
@settings(deadline=None)
def test_spans_lie_end_to_end(days: int, count: int) -> None:
    """Newest first, each of the asked length, each beginning where the next older one ends."""
    found = spans(NOW, days=days, count=count)
    assert found[0].end == NOW
    assert all(span.end - span.start == timedelta(days=days) for span in found)
    assert all(newer.start == older.end for newer, older in pairwise(found))


def test_a_row_on_the_edge_belongs_to_one_window(tmp_path: Path) -> None:
    """A moment on the common edge of two windows is in the older one only."""
    log = log_of(tmp_path, answer("a", 0), answer("b", 7), answer("c", 14), answer("d", 3))
    newer, older = cut(log, "churn", spans(NOW, days=7, count=2), champion=1)
    assert list(newer.frame["customer_id"]) == ["a", "d"]
    assert list(older.frame["customer_id"]) == ["b"]


def test_versions_are_counted(tmp_path: Path) -> None:
    """A window knows which versions answered, and can hand out the rows of one."""
    log = log_of(tmp_path, answer("a", 1), answer("b", 1, version=2), answer("c", 1, version=2))
    (window,) = cut(log, "churn", spans(NOW, days=7, count=1), champion=2)
    assert (window.rows, window.versions) == (3, {1: 1, 2: 2})
    assert list(window.by(2)["customer_id"]) == ["b", "c"]


def test_the_champions_answer_counts_once(tmp_path: Path) -> None:
    """A moment answered by two versions and twice by one is one row, the champion's newest."""
    later = NOW + timedelta(hours=1)
    log = log_of(
        tmp_path,
        answer("a", 1, version=1, prediction=0.1),
        answer("a", 1, version=2, prediction=0.2),
        answer("a", 1, version=1, prediction=0.3, scored_at=later),
    )
    (window,) = cut(log, "churn", spans(NOW, days=7, count=1), champion=1)
    assert list(window.frame["prediction"]) == [0.3]


def test_online_requests_count_only_without_a_batch(tmp_path: Path) -> None:
    """Whoever was asked about online does not weigh in beside everybody whose moment was due."""
    online = answer("b", 1, origin="online")
    nobody = answer(None, 1, origin="invocations", event_timestamp=None)
    both = log_of(tmp_path / "both", answer("a", 1), online, nobody)
    alone = log_of(tmp_path / "alone", online, nobody)
    wanted = spans(NOW, days=7, count=1)
    assert list(cut(both, "churn", wanted, champion=1)[0].frame["customer_id"]) == ["a"]
    assert list(cut(alone, "churn", wanted, champion=1)[0].frame["customer_id"]) == ["b"]


def test_shadows_were_served_to_nobody(tmp_path: Path) -> None:
    """What a challenger said unseen is in no window; what a canary said was an answer."""
    shadow = answer("a", 1, origin="shadow", version=2)
    log = log_of(tmp_path, shadow, answer("a", 1, origin="online"), answer("b", 1, origin="canary"))
    for champion in (1, 2):
        (window,) = cut(log, "churn", spans(NOW, days=7, count=1), champion=champion)
        assert list(window.frame["origin"]) == ["online", "canary"]


def test_nothing_was_logged(tmp_path: Path) -> None:
    """Windows over a log that is not there are empty, not an error."""
    log = PredictionLog(open_home(tmp_path / "home"))
    assert [w.rows for w in cut(log, "churn", spans(NOW, days=7, count=3), champion=1)] == [0] * 3
    assert cut(log, "churn", (), champion=1) == ()
