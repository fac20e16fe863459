"""A candidate: the same by seed, sound on odd tables, judged honestly; no store is touched."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xgboost
from optuna.storages import BaseStorage

from lifecycle.errors import UsageError
from lifecycle.task import Task
from tests.training.conftest import CHURN, PREFERENCE, make_frame, make_set
from tests.training.search.conftest import make_plan
from tests.training.search.helped import until_helped, workers_in
from training.candidate import Budget, Built, build, stamp
from training.record import version_tags
from training.search.plan import LIBRARIES, code
from training.search.storage import open_storage


def built(root: Path, frame: pd.DataFrame, budget: Budget, task: Task = CHURN) -> Built:
    folder = root / "version"
    folder.mkdir(parents=True)
    return build(task, make_set(frame), budget, folder, root / "studies")


@pytest.mark.parametrize("task", [CHURN, PREFERENCE], ids=lambda task: task.name)
def test_the_same_seed_is_the_same_model(tmp_path: Path, task: Task) -> None:
    """Two trainings give the same bytes in every file of the version; another seed does not."""
    kind = "multiclass" if task is PREFERENCE else "binary"
    frame = make_frame(customers=250, seed=5, kind=kind)
    files = []
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        folder = built(
            tmp_path / name, frame, Budget(trials=3, seed=seed, report=False), task
        ).folder
        files.append(contents(folder))
    assert files[0] == files[1]
    assert files[0] != files[2]


@pytest.mark.parametrize(("seconds", "bag"), [(0.5, True), (60.0, False)])
def test_a_training_with_a_budget_comes_to_a_model(
    tmp_path: Path, seconds: float, *, bag: bool
) -> None:
    """However short: one trial at least, and the folds' own boosters where time is over."""
    budget = Budget(seconds=seconds, trials=3, report=False)
    made = built(tmp_path, make_frame(customers=250), budget)
    assert made.found.counts["complete"] >= 1
    assert made.metrics["roc_auc"] > 0.6
    assert made.final.recipe.bag == bag


def test_processes_that_share_a_training_make_the_same_model(tmp_path: Path) -> None:
    """Two workers, each with trials of its own, leave the bytes that one alone leaves."""
    frame = make_frame(customers=200, seed=5)
    alone = built(tmp_path / "alone", frame, Budget(trials=12, report=False))
    folder, studies = tmp_path / "version", tmp_path / "studies"
    folder.mkdir()

    def journal() -> BaseStorage:
        (file,) = studies.glob("*.log")
        return open_storage(replace(make_plan(studies), name=file.stem))

    budget = Budget(trials=12, workers=2, report=False)
    build(CHURN, make_set(frame), budget, folder, studies, until_helped(journal))
    assert len(workers_in(journal())) == 2
    assert contents(folder) == contents(alone.folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("algorithm", ["xgboost", "lightgbm"])
@pytest.mark.parametrize("method", ["none", "class_weight", "smote", "smotenc"])
def test_every_choice_is_served_as_it_was_fitted(
    tmp_path: Path, algorithm: str, method: str
) -> None:
    """Each booster with each balancing gives finite metrics and the reference's own answers."""
    space = replace(
        CHURN.search,
        spaces={algorithm: CHURN.search.spaces[algorithm]},  # type: ignore[index, dict-item]
        balancing=(method,),  # type: ignore[arg-type]
    )
    task = replace(CHURN, search=space)
    found = built(tmp_path, make_frame(customers=300), Budget(trials=1, report=False), task)
    facts = json.loads((found.folder / "model.json").read_text())
    assert (facts["algorithm"], facts["balancing"]["method"]) == (algorithm, method)
    assert all(math.isfinite(value) for value in found.metrics.values())
    assert found.metrics["roc_auc"] > 0.65
    assert (found.balanced.synthetic > 0) == method.startswith("smote")


def test_another_library_is_another_study() -> None:
    """A study by other versions of a library, or of the search's own code, is not carried on."""
    now = code()
    assert f"xgboost {xgboost.__version__}" in now
    assert len(now) == len(LIBRARIES) + 1
    changed = [(*now[:i], f"{now[i]}.post1", *now[i + 1 :]) for i in range(len(now))]
    stamps = {stamp(CHURN, CHURN.search, versions) for versions in (now, *changed)}
    assert len(stamps) == len(now) + 1
    assert stamp(CHURN, CHURN.search, code()) in stamps


def test_the_frame_is_not_changed(tmp_path: Path) -> None:
    """Training leaves the given frame as it was."""
    frame = make_frame(customers=300)
    before = frame.copy(deep=True)
    built(tmp_path, frame, Budget(trials=1))
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    "spoil",
    [{"n0": math.nan}, {"n0": math.inf}, {"n0": 1.0}, {"plan": None}, {"plan": "only"}],
    ids=["all missing", "all infinite", "constant", "no category", "one category"],
)
def test_odd_columns_still_train(tmp_path: Path, spoil: dict[str, object]) -> None:
    """A column that says nothing costs nothing but itself."""
    found = built(tmp_path, make_frame(customers=300).assign(**spoil), Budget(trials=1))
    assert math.isfinite(found.metrics["log_loss"])
    assert unmeasured(found) == []


def unmeasured(found: Built) -> list[str]:
    """The sections that failed and turned into a warning."""
    assert [one.name for one in found.sections] == [
        "decisions", "explanation", "choice", "balancing", "canaries",
    ]  # fmt: skip
    said = (" ".join([one.words, *one.warnings]) for one in found.sections)
    return [words for words in said if "could not be measured" in words]


def test_several_classes_have_every_section(tmp_path: Path) -> None:
    """What people read is measured for preference as for churn."""
    frame = make_frame(customers=300, kind="multiclass")
    assert unmeasured(built(tmp_path, frame, Budget(trials=1), PREFERENCE)) == []


def test_a_leaking_column_is_named_on_the_versions_page(tmp_path: Path) -> None:
    """A column that holds the label goes through a training to the version's `warnings` tag."""
    frame = make_frame(customers=300)
    frame["n4"] = frame["label"] + np.random.default_rng(0).normal(scale=0.1, size=len(frame))
    found = built(tmp_path, frame, Budget(trials=1))
    assert "n4 alone nearly decides the label" in version_tags(CHURN, found, "run")["warnings"]


def test_a_class_that_training_never_saw_is_counted(tmp_path: Path) -> None:
    """Rows of a class that is new in the test are left out of it, and counted."""
    frame = make_frame(customers=300, kind="multiclass")
    frame.loc[frame.index[-7:], "label"] = "podcast"
    found = built(tmp_path, frame, Budget(trials=1, report=False), PREFERENCE)
    assert found.prepared.unlearned == 7
    assert found.scorer.classes == ("audio", "text", "video")


def test_a_shuffled_label_is_at_chance_out_of_time(tmp_path: Path) -> None:
    """Where there is nothing to learn, the test says so: no path from the test to the model."""
    frame = make_frame(customers=900)
    frame["label"] = np.random.default_rng(0).permutation(frame["label"])
    found = built(tmp_path, frame, Budget(trials=4, report=False))
    assert 0.42 < found.metrics["roc_auc"] < 0.58
    assert found.metrics["log_loss_skill"] < 0.02


def test_a_metric_that_the_kind_lacks_is_refused(tmp_path: Path) -> None:
    """The error lists what a task of that kind may optimise."""
    with pytest.raises(UsageError, match=r"'roc_auc', which a multiclass task.*macro_f1"):
        built(
            tmp_path, make_frame(kind="multiclass"), Budget(), replace(PREFERENCE, metric="roc_auc")
        )
