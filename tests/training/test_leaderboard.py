"""Trainings are ranked where they were judged on the same rows, and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import tracking
from lifecycle.errors import NotReady, UnknownName
from lifecycle.home import Home
from lifecycle.registry import Version
from lifecycle.tracking import Recorded
from tests.training.conftest import CHURN, Trained
from training.leaderboard import exams, leaderboard, ranked, standing

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def made(run_id: str, log_loss: float | None, *, hour: int = 0, **params: str) -> Recorded:
    measured = {} if log_loss is None else {"test.log_loss": log_loss}
    return Recorded(
        run_id=run_id, status="FINISHED", at=NOW + timedelta(hours=hour), tags={},
        params={"test_fingerprint": "same", "rows_test": "264", **params},
        metrics={**measured, "prior.log_loss": 0.6, "logistic_regression.log_loss": 0.45,
                 "balancing.log_loss": 0.1},
    )  # fmt: skip


def test_only_the_same_test_rows_are_compared() -> None:
    """A better number on other rows is another exam; the newest training's exam comes first."""
    runs = [
        made("a", 0.5), made("b", 0.4, hour=1), made("c", 0.1, test_fingerprint="other"),
        made("d", 0.45, hour=2),
    ]  # fmt: skip
    same, other = exams(runs, {}, "log_loss")
    assert [(one.run_id, one.rank) for one in same.standings] == [("b", 1), ("d", 2), ("a", 3)]
    assert [(one.run_id, one.rank) for one in other.standings] == [("c", 1)]
    assert (same.judged_on, same.rows) == ("same", 264)


def test_runs_of_before_the_fingerprint_are_told_apart_by_their_data() -> None:
    """Equal data were cut equally; a run that says nothing is like no other."""
    old = [
        Recorded(run_id=name, status="FINISHED", at=NOW, params=params, metrics={}, tags={})
        for name, params in (
            ("a", {"data_fingerprint": "x"}), ("b", {"data_fingerprint": "x"}),
            ("c", {"data_fingerprint": "y"}), ("d", {}),
        )
    ]  # fmt: skip
    assert [len(exam.standings) for exam in exams(old, {}, "log_loss")] == [2, 1, 1]


def test_the_best_baseline_stands_beside() -> None:
    """Of the run's own baselines; a section's number of the same name is none."""
    found = standing(made("a", 0.5), None, "log_loss")
    assert found.baseline == ("logistic_regression", 0.45)
    named = standing(made("a", 0.5, baselines="prior balancing"), None, "log_loss")
    assert named.baseline == ("balancing", 0.1)
    assert standing(made("a", 0.5), None, "roc_auc").baseline is None


def test_a_version_brings_its_aliases_and_verdict() -> None:
    """A run whose version is gone stays, without either."""
    version = Version(
        task="churn", number=7, run_id="a", aliases=("champion",), tags={"verdict": "promote"}
    )
    (exam,) = exams([made("a", 0.5), made("b", 0.6)], {"a": version}, "log_loss")
    assert [(one.version, one.aliases, one.verdict) for one in exam.standings] == [
        (7, ("champion",), "promote"), (None, (), "no version"),
    ]  # fmt: skip


@given(
    st.lists(st.sampled_from([None, math.nan, 0.2, 0.3, 0.4]), max_size=8),
    st.sampled_from(["log_loss", "roc_auc"]),
)
def test_ranks_are_those_of_a_count(values: list[float | None], metric: str) -> None:
    """A rank is one more than how many are truly better; what was not measured has none, last."""
    standings = [
        standing(
            Recorded(
                run_id=str(i), status="FINISHED", at=NOW, params={}, tags={},
                metrics={} if value is None else {f"test.{metric}": value},
            ), None, metric,
        )
        for i, value in enumerate(values)
    ]  # fmt: skip
    sign = -1 if metric == "log_loss" else 1
    known = [value for value in values if value is not None and not math.isnan(value)]
    found = ranked(standings, metric)
    assert len(found) == len(values)
    for one in found:
        value = one.metrics.get(metric, math.nan)
        better = sum(sign * other > sign * value for other in known)
        assert one.rank == (None if math.isnan(value) else 1 + better)
    places = [one.rank for one in found if one.rank is not None]
    assert places == sorted(places)
    assert all(one.rank is None for one in found[len(places) :])


def test_a_real_training_stands_on_the_board(trained: Trained) -> None:
    """What a run wrote is read back: numbers, choices, test rows, version and verdict."""
    report = trained.reports["churn"]
    found = leaderboard(trained.home, CHURN)
    assert (found.by, found.higher_is_better, found.unfinished) == ("log_loss", False, 0)
    (exam,) = found.exams
    (one,) = exam.standings
    assert (one.rank, one.version, one.aliases) == (1, report.version, ("challenger",))
    assert one.run_id == report.run_id
    assert one.metrics["log_loss"] == pytest.approx(report.metrics["log_loss"])
    assert one.trials == sum(report.trials.values())
    assert one.baseline is not None
    assert one.baseline[1] == pytest.approx(
        min(scores["log_loss"] for scores in report.baselines.values())
    )
    assert exam.rows == report.rows["test"]
    assert exam.first < exam.last
    assert len(exam.judged_on) == 16
    assert one.verdict == "not judged yet"


def test_trials_and_other_experiments_are_no_trainings(new_home: Callable[[str], Home]) -> None:
    """Nested runs are not read; a failed run is counted and not ranked."""
    home = new_home("board")
    with tracking.run(home, "churn", "good", {"task": "churn"}) as run:
        run.trials([tracking.Trial(name="trial 0", params={}, metrics={"log_loss": 0.1})])
        run.metrics({"test.log_loss": 0.5})
    with pytest.raises(RuntimeError), tracking.run(home, "churn", "bad", {"task": "churn"}):
        raise RuntimeError
    found = leaderboard(home, CHURN)
    assert [len(exam.standings) for exam in found.exams] == [1]
    assert found.unfinished == 1


def test_nothing_trained_is_said(home: Home) -> None:
    """With the command that helps; a metric of another kind gets the known ones."""
    with pytest.raises(NotReady, match=r"No training of churn .* `onramp train churn`"):
        leaderboard(home, CHURN)
    with pytest.raises(UnknownName, match="log_loss"):
        leaderboard(home, CHURN, by="top2")
