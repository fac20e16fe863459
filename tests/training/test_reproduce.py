"""A version made again: the same, nearly the same, or different for a reason that is named."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from lifecycle.costs import Costs
from lifecycle.errors import NotReady, UnknownName
from lifecycle.registry import Registry
from lifecycle.task import Task
from tests.training.conftest import CHURN, FEATURES, PREFERENCE, Trained, make_set
from training import reproduce as module
from training.reproduce import Remade, ReproduceReport, reproduce_on, verdict_of
from training.splits import split
from training.trainingset import TrainingSet


def again(trained: Trained, data: TrainingSet, task: Task = CHURN) -> ReproduceReport:
    return reproduce_on(trained.home, task, trained.reports[task.name].version, data)


def said(report: ReproduceReport) -> str:
    return "\n".join(report.lines())


@pytest.mark.parametrize("task", [CHURN, PREFERENCE], ids=lambda task: task.name)
def test_the_same_rows_make_the_same_bytes(trained: Trained, task: Task) -> None:
    """Without a search, every file that answers is what it was; nothing is registered."""
    client = MlflowClient(trained.home.tracking_uri)
    before = Registry(trained.home).versions(task.name)
    experiment = client.get_experiment_by_name(task.name)
    assert experiment is not None
    runs = len(client.search_runs([experiment.experiment_id]))
    report = again(trained, make_set(trained.frames[task.name]), task)
    assert report.verdict == "identical", said(report)
    assert set(report.files) >= {"forest.txt", "model.json", "recipe.json"}
    assert all(report.files.values())
    assert report.largest_difference == 0
    assert report.reference_rows > 100
    assert "identical" in said(report)
    assert Registry(trained.home).versions(task.name) == before
    assert len(client.search_runs([experiment.experiment_id])) == runs


def test_a_grown_event_store_is_no_other_version(trained: Trained) -> None:
    """What was received later is not in the rows; labels as a home has them are the same labels."""
    frame = trained.frames["churn"].assign(label=lambda rows: rows["label"].astype(object))
    later = replace(make_set(frame), lineage={"event_store": "later"})
    report = again(trained, later)
    assert report.verdict == "identical"
    assert report.fingerprint_now == report.fingerprint_then


def test_changed_values_are_named(trained: Trained) -> None:
    """Another fingerprint: which features, in how many moments of the reference."""
    frame = trained.frames["churn"].copy()
    test = split(frame).test
    frame["n1"] += 1.0
    frame.loc[frame.index[test[:40]], "plan"] = "gratis"
    report = again(trained, make_set(frame))
    assert report.verdict == "different"
    assert report.fingerprint_now != report.fingerprint_then
    filled = int(frame["n1"].iloc[test].notna().sum())
    assert f"values changed in n1 ({filled}), plan (40)." in said(report)
    assert "no longer there" not in said(report)


def test_a_change_in_the_test_alone_makes_the_same_version_and_is_told(trained: Trained) -> None:
    """The model did not learn from these rows: same bytes, and the change is named."""
    frame = trained.frames["churn"].copy()
    frame.loc[frame.index[split(frame).test[:7]], "n0"] = 9.0
    report = again(trained, make_set(frame))
    assert report.verdict == "identical"
    assert "values changed in n0 (7)." in said(report)


def test_forgotten_customers_are_counted(trained: Trained) -> None:
    """Moments that it learned from and that are gone, by their hashed keys."""
    frame = trained.frames["churn"]
    rows = split(frame)
    learned = frame.iloc[np.concatenate([rows.train, rows.calibrate])]
    gone = learned["customer_id"].iloc[0]
    report = again(trained, make_set(frame[frame["customer_id"] != gone].reset_index(drop=True)))
    lost = int((learned["customer_id"] == gone).sum())
    assert report.verdict == "different"
    assert f"{lost} of the {len(learned):,} moments that it learned from" in said(report)
    assert f"There were {len(frame):,} labelled moments" in said(report)
    assert report.largest_difference is not None
    assert report.largest_difference > 0


def test_too_little_left_is_a_reason(trained: Trained) -> None:
    """What cannot be trained on any more is different, with the error as the last reason."""
    report = again(trained, make_set(trained.frames["churn"].head(20)))
    assert report.verdict == "different"
    assert report.because[0].endswith(f"and is {report.fingerprint_now}.")
    assert report.because[-1].startswith("Too little data: the train part has 0 rows")
    assert report.files == {}


def test_other_features_are_named_and_nothing_is_fitted(trained: Trained) -> None:
    """Gone, new and of another type."""
    frame = trained.frames["churn"].assign(fresh=1.0)
    features = (*FEATURES[1:-1], ("fresh", "number"), ("place", "number"))
    report = again(trained, replace(make_set(frame), features=features))
    assert report.verdict == "different"
    assert report.because == (
        "Features are gone: n0.", "Features are new: fresh.",
        "Features are of another type: place.",
    )  # fmt: skip
    assert report.files == {}
    shuffled = again(trained, replace(make_set(frame), features=FEATURES[::-1]))
    assert shuffled.because == ("The features are in another order.",)


def test_a_task_that_asks_otherwise_is_different(trained: Trained) -> None:
    """Another horizon or other moments are another question."""
    task = replace(CHURN, horizon_days=14, moments=(1, 3))
    report = again(trained, make_set(trained.frames["churn"]), task)
    assert report.verdict == "different"
    assert report.because == (
        "The task's horizon_days was 7 and is 14.",
        "The task's moments was [1, 3, 7] and is [1, 3].",
    )


def test_other_costs_are_other_decisions(trained: Trained) -> None:
    """The same probabilities with another threshold give other answers, and the reason is named."""
    task = replace(CHURN, costs=Costs(offer=1, saved=10))
    report = again(trained, make_set(trained.frames["churn"]), task)
    assert report.verdict == "different"
    assert report.largest_difference == 0
    assert re.search(r"The threshold was 0\.\d+ and is 0\.\d+: it follows", said(report))


@pytest.mark.parametrize(
    ("files", "difference", "same_data", "verdict"),
    [
        ((True, True), 0.0, True, "identical"),
        ((True, True), 0.0, False, "identical"),
        ((True, False), 1e-6, True, "within tolerance"),
        ((True, False), 1.1e-6, True, "different"),
        ((True, False), 0.0, False, "different"),
        ((False, False), float("inf"), True, "different"),
        ((False, False), float("nan"), True, "different"),
    ],
)
def test_the_verdict(
    files: tuple[bool, bool], difference: float, same_data: bool, verdict: str
) -> None:
    """Equal bytes are identical; near answers count only from the same training set."""
    remade = Remade(files=dict(zip("ab", files, strict=True)), difference=difference, rows=9)
    assert verdict_of(remade, same_data=same_data) == verdict
    decided = replace(remade, thresholds=(0.5, 0.5 + 1e-5))
    assert verdict_of(decided, same_data=same_data) in {"identical", "different"}
    unseen = replace(remade, rows=0)  # nothing was compared: only bytes can speak
    assert verdict_of(unseen, same_data=same_data) in {"identical", "different"}


def test_a_version_without_a_recipe_says_what_to_do(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of before recipes were kept: the error names the command that trains as of then."""
    monkeypatch.setattr(module, "RECIPE", "not-there.json")
    with pytest.raises(NotReady, match=r"onramp train churn --as-of 2025-05-01 --seed 0"):
        again(trained, make_set(trained.frames["churn"]))


def test_a_version_that_is_not_there(trained: Trained) -> None:
    """The error names those that are."""
    with pytest.raises(UnknownName, match="No version of churn named '99'"):
        reproduce_on(trained.home, CHURN, 99, make_set(trained.frames["churn"]))
