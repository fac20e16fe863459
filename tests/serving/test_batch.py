"""serving.batch: each due moment is scored once, with the features of that moment."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from features.moments import moments
from features.store import historical
from lifecycle.errors import NotReady
from lifecycle.prediction_log import PredictionLog
from lifecycle.registry import Registry
from lifecycle.scorer import names
from serving.batch import ScoreReport, score
from serving.champion import load
from tests.serving.fed import START, Fed


@pytest.fixture(autouse=True)
def _nothing_logged(fed: Fed) -> None:
    shutil.rmtree(fed.home.predictions, ignore_errors=True)


def due(fed: Fed, report: ScoreReport) -> pd.DataFrame:
    found = moments(fed.home, fed.tasks[0], report.as_of)
    return found[found["event_timestamp"] > report.since]


def test_first_batch_scores_the_last_window(fed: Fed) -> None:
    """Without an earlier batch it is the customers of one monitoring window, each moment once."""
    report = score(fed.home, fed.tasks[0], as_of=fed.as_of)
    logged = PredictionLog(fed.home).read("churn")
    assert report.since == fed.as_of - timedelta(days=fed.tasks[0].monitor.window_days)
    assert (report.scored, report.known, report.unbuilt) == (len(due(fed, report)), 0, 0)
    assert report.scored > 10
    assert sum(report.answers.values()) == report.scored
    keys = ["customer_id", "event_timestamp"]
    expected = due(fed, report)[keys].sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(logged[keys].sort_values(keys, ignore_index=True), expected)
    assert set(logged["origin"]) == {"batch"}


def test_logged_score_is_the_champions_on_the_logged_features(fed: Fed) -> None:
    """The row holds what went in and what came out: features as of the moment, and their score."""
    score(fed.home, fed.tasks[0], as_of=fed.as_of)
    logged = PredictionLog(fed.home).read("churn")
    registry = Registry(fed.home)
    scorer = load(registry, registry.champion("churn")).scorer
    columns = names(scorer)
    again = scorer.score(logged[columns])[:, 1]
    np.testing.assert_allclose(logged["prediction"], again, atol=1e-12)
    vectors = historical(fed.home, "churn", logged[["customer_id", "event_timestamp"]])
    pd.testing.assert_frame_equal(
        logged[columns], vectors.select(columns).to_pandas(), check_dtype=False
    )


def test_second_run_adds_nothing(fed: Fed) -> None:
    """State is the log itself: the same batch again finds everything known."""
    first = score(fed.home, fed.tasks[0], as_of=fed.as_of)
    second = score(fed.home, fed.tasks[0], as_of=fed.as_of, since=first.since)
    assert (second.scored, second.known) == (0, first.scored)
    assert len(PredictionLog(fed.home).read("churn")) == first.scored


def test_batches_day_by_day_equal_one(fed: Fed) -> None:
    """However often it runs, the moments scored and their receipts are the same."""
    task = fed.tasks[0]
    since = fed.as_of - timedelta(days=10)
    score(fed.home, task, as_of=fed.as_of, since=since)
    once = PredictionLog(fed.home).read("churn").set_index("receipt_id")["prediction"]
    shutil.rmtree(fed.home.predictions)
    for day in (7, 4, 3, 0):
        score(fed.home, task, as_of=fed.as_of - timedelta(days=day), since=since)
    daily = PredictionLog(fed.home).read("churn").set_index("receipt_id")["prediction"]
    pd.testing.assert_series_equal(once.sort_index(), daily.sort_index())


def test_next_batch_goes_on_where_the_last_one_ended(fed: Fed) -> None:
    """A run that was left out is caught up with, and late customers within a window too."""
    task = fed.tasks[0]
    score(fed.home, task, as_of=fed.as_of - timedelta(days=20))
    report = score(fed.home, task, as_of=fed.as_of)
    assert report.since < fed.as_of - timedelta(days=20)
    assert report.known > 0
    assert report.scored == len(due(fed, report)) - report.known


def test_moment_without_features_waits(fed: Fed) -> None:
    """A moment of days that were not built is counted and left for later, never scored blind."""
    task = replace(fed.tasks[0], moments=(1, 2, 3))
    report = score(fed.home, task, as_of=fed.as_of)
    built = moments(fed.home, replace(task, moments=(1, 3)), fed.as_of)
    assert report.scored == (built["event_timestamp"] > report.since).sum()
    assert report.unbuilt == report.due - report.scored > 0
    assert "moments have no features yet. Run `onramp features`" in report.lines()[1]


def test_batch_of_a_multiclass_task(fed: Fed) -> None:
    """The answer is the likeliest class and its probability is the one reported."""
    report = score(fed.home, fed.tasks[1], as_of=fed.as_of)
    logged = PredictionLog(fed.home).read("preference")
    assert len(logged) == report.scored
    assert set(logged["answer"]) <= {"article", "lesson", "video"}
    first = logged["probabilities"].map(pd.io.json.ujson_loads).map(lambda p: next(iter(p.items())))
    assert [pair[0] for pair in first] == logged["answer"].tolist()
    assert [pair[1] for pair in first] == pytest.approx(logged["prediction"].tolist())


def test_batch_before_anybody_is_due(fed: Fed) -> None:
    """No moments is a report of zero, not a failure."""
    report = score(fed.home, fed.tasks[0], as_of=START)
    assert (report.due, report.scored, report.lines()) == (
        0, 0, ["churn: 0 moments scored by version 1; 0 were scored before."],
    )  # fmt: skip


def test_batch_needs_a_champion(fed: Fed) -> None:
    """The error says what to run."""
    with pytest.raises(NotReady, match="Run `onramp train upsell` and `onramp promote upsell`"):
        score(fed.home, replace(fed.tasks[0], name="upsell"), as_of=fed.as_of)
