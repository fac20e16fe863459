"""Runs are written by the client alone: no global address, no active run, no stray folder."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

with warnings.catch_warnings():
    # MLflow warns of its own type hints while it is imported
    warnings.simplefilter("ignore")
    import mlflow
    import mlflow.pyfunc

    from lifecycle import tracking
    from lifecycle.home import Home, open_home

# MLflow 3.17 maps its tables by a SQLAlchemy loader that 2.1 calls by another name
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return open_home(tmp_path_factory.mktemp("tracking") / "home")


def test_a_run_ends_as_it_went(home: Home) -> None:
    """Finished when the block ends, failed when it raises, and the error goes on."""
    with tracking.run(home, "t", "good", {"a": "1"}) as good:
        good.params({f"p{i}": i for i in range(250)})
        good.metrics({"m": 0.5})
    ids = []

    def broken() -> None:
        with tracking.run(home, "t", "bad", {}) as bad:
            ids.append(bad.run_id)
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        broken()
    found = good.client.get_run(good.run_id)
    assert (found.info.status, len(found.data.params)) == ("FINISHED", 250)
    assert good.client.get_run(ids[0]).info.status == "FAILED"


def test_trials_are_children(home: Home) -> None:
    """Each nested run names its parent, and has its own outcome."""
    trials = [
        tracking.Trial(name="trial 0", params={"a": 1}, metrics={"m": 1.0}),
        tracking.Trial(name="trial 1", params={}, metrics={}, status="KILLED"),
    ]
    with tracking.run(home, "t", "parent", {}) as log:
        log.trials(trials)
    found = log.client.search_runs(
        [log.experiment_id], f"tags.`mlflow.parentRunId` = '{log.run_id}'"
    )
    assert {run.info.run_name: run.info.status for run in found} == {
        "trial 0": "FINISHED", "trial 1": "KILLED",
    }  # fmt: skip


def test_nothing_outside_the_home(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder where the caller stands, no address for the processes it starts, no active run."""
    monkeypatch.chdir(tmp_path)
    with tracking.run(home, "apart", "run", {}) as log:
        log.text("hello", "note.txt")
        log.data("set", "abc", "training", {"rows": 3})
    assert list(tmp_path.iterdir()) == []
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert mlflow.active_run() is None
    assert [path.read_text() for path in home.artifacts.rglob("note.txt")] == ["hello"]
    assert log.client.get_run(log.run_id).inputs.dataset_inputs[0].dataset.digest == "abc"
