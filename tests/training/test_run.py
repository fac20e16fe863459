"""A training leaves one run with nested trials, a whole version, and nothing in the folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from lifecycle import version_files
from lifecycle.errors import DataError
from lifecycle.home import Home
from lifecycle.registry import Registry
from lifecycle.row_keys import count_seen, row_keys
from tests.training.conftest import CHURN, FEATURES, Trained, make_frame, make_set
from training.candidate import Budget
from training.model import Scorer
from training.run import train_on
from training.splits import split

PICTURES = {
    "test-roc", "test-precision_recall", "test-calibration", "features-gain",
    "search-optimisation_history",
}  # fmt: skip


@pytest.fixture(params=["churn", "preference"])
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_one_run_with_nested_trials(trained: Trained, task: str) -> None:
    """The parent holds the choice, the test, the lineage and pictures; each trial is a child."""
    client = MlflowClient(trained.home.tracking_uri)
    report = trained.reports[task]
    parent = client.get_run(report.run_id)
    assert parent.info.status == "FINISHED"
    assert parent.data.params["algorithm"] == report.algorithm
    assert parent.data.params["data_fingerprint"] == report.data_fingerprint
    assert parent.data.metrics["test.log_loss"] == pytest.approx(report.metrics["log_loss"])
    assert "logistic_regression.log_loss" in parent.data.metrics
    assert parent.inputs.dataset_inputs[0].dataset.digest == report.data_fingerprint
    found = client.search_runs(
        [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{report.run_id}'"
    )
    assert len(found) == 4
    assert {run.info.status for run in found} <= {"FINISHED", "KILLED"}
    parts = {Path(f.path) for f in client.list_artifacts(report.run_id, "report")}
    assert {part.stem for part in parts if part.suffix == ".png"} >= PICTURES
    whole = {f.path: f.file_size for f in client.list_artifacts(report.run_id)}
    assert 10_000 < whole["report.html"] < 3_000_000
    assert whole["report.png"] > 10_000


def test_every_section_was_measured(trained: Trained, tmp_path: Path) -> None:
    """Each is there with its numbers, pictures and tables; none is but a warning that it failed."""
    client = MlflowClient(trained.home.tracking_uri)
    run_id = trained.reports["churn"].run_id
    folder = Path(client.download_artifacts(run_id, "report", str(tmp_path)))
    sections = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    assert set(sections) == {
        "test", "decisions", "explanation", "choice", "balancing", "canaries", "search", "features",
    }  # fmt: skip
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "balancing-differences.png", "balancing-methods.csv", "balancing-differences_to_none.csv",
    }  # fmt: skip
    for section in sections.values():
        assert "could not be measured" not in " ".join([section["words"], *section["warnings"]])


def test_artifacts_stay_in_the_home(
    new_home: Callable[[str], Home], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written into the caller's folder; the caller's tag is on the version."""
    monkeypatch.chdir(tmp_path)
    home = new_home("apart")
    effort = Budget(trials=1, report=False)
    train_on(home, CHURN, make_set(make_frame(200)), effort, tags={"job": "7"})
    assert list(tmp_path.iterdir()) == []
    assert list(home.artifacts.rglob("MLmodel"))
    found = Registry(home).version("churn", 1).tags
    assert (found["job"], found["verdict"]) == ("7", "not judged yet")


def test_a_version_is_whole_and_unpickled(trained: Trained, task: str) -> None:
    """The booster is native, the rest JSON, Parquet and plain arrays."""
    folder = trained.folder(task)
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert not {name for name in names if name.endswith((".pkl", ".pickle", ".joblib", ".skops"))}
    assert names >= {"MLmodel", "model.py", "model.json", "evaluation.json", "reference.parquet"}
    for path in folder.rglob("*"):
        assert not path.is_file() or path.read_bytes()[:1] != b"\x80", f"{path} looks pickled"


def test_the_version_says_what_it_is(trained: Trained, task: str) -> None:
    """The registry's page has the choice, the test and that nobody judged it yet."""
    version = Registry(trained.home).version(task, 1)
    assert version.aliases == ("challenger",)
    assert version.run_id == trained.reports[task].run_id
    assert version.tags["verdict"] == "not judged yet"
    assert float(version.tags["test.log_loss"]) == pytest.approx(
        trained.reports[task].metrics["log_loss"], abs=1e-4
    )
    address = trained.home.tracking_uri
    client = MlflowClient(address, address)
    assert "logistic regression" in client.get_model_version(task, "1").description


def test_the_files_of_a_version_agree(trained: Trained, task: str) -> None:
    """Reference, keys, evaluation and facts are those of the very splits."""
    folder, frame = trained.folder(task), trained.frames[task]
    splits = split(frame)
    keys = row_keys(frame)
    seen = version_files.row_keys(folder)
    assert count_seen(keys[splits.train], seen) == len(splits.train)
    assert count_seen(keys[splits.calibrate], seen) == len(splits.calibrate)
    assert count_seen(keys[splits.test], seen) == 0
    assert len(seen) == len(splits.train) + len(splits.calibrate)
    reference = version_files.reference(folder)
    names = [name for name, _ in FEATURES]
    assert list(reference.columns) == [
        "customer_id", "event_timestamp", *names, "label", "prediction", "answer",
    ]  # fmt: skip
    scorer = Scorer.from_folder(folder / version_files.FILES)
    p = scorer.score(reference)
    shown = p[:, 1] if task == "churn" else p.max(axis=1)
    np.testing.assert_array_equal(reference["prediction"], shown)
    assert version_files.evaluation(folder)["rows"]["test"] == len(splits.test)
    assert version_files.facts(folder)["labels_known_until"] <= str(splits.test_starts.isoformat())


def test_the_signal_is_found(trained: Trained) -> None:
    """The made-up signal is learned, far above the prior and near the logistic truth."""
    report = trained.reports["churn"]
    assert report.metrics["roc_auc"] > 0.72
    assert report.metrics["log_loss"] < report.baselines["prior"]["log_loss"]
    preference = trained.reports["preference"]
    assert preference.metrics["log_loss"] < preference.baselines["prior"]["log_loss"]


def test_a_report_is_plain(trained: Trained, task: str) -> None:
    """People get a table, machines get JSON."""
    report = trained.reports[task]
    assert "logistic_regression" in "\n".join(report.lines())
    assert json.loads(json.dumps(vars(report), default=str))["version"] == 1


def test_one_class_fails_and_the_run_says_so(new_home: Callable[[str], Home]) -> None:
    """The error is ours and the run is marked as failed."""
    home = new_home("failed")
    frame = make_frame(customers=300).assign(label=False)
    with pytest.raises(DataError, match="Only one class"):
        train_on(home, CHURN, make_set(frame), Budget(trials=1))
    client = MlflowClient(home.tracking_uri)
    experiment = client.get_experiment_by_name("churn")
    assert experiment is not None
    assert [r.info.status for r in client.search_runs([experiment.experiment_id])] == ["FAILED"]
    assert Registry(home).versions("churn") == ()
