"""`training.train` in a notebook: a frame in, a value out, nothing left behind."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import training
from lifecycle.costs import Costs
from lifecycle.errors import DataError, UnknownName, UsageError
from lifecycle.event_store import EventStore
from tasks import supported
from tests.features.canonical import TOML, fill, settle
from tests.serving.fed import happenings, refresh
from tests.training.conftest import CHURN, make_frame, make_set
from training.model import Scorer
from training.result import Result


def customers(rows: int = 240, seed: int = 0) -> pd.DataFrame:
    """A table as somebody has it: text, truth values, gaps, a label in words."""
    rng = np.random.default_rng(seed)
    tenure, plan = rng.integers(0, 60, rows), rng.choice(["free", "pro", "team"], rows)
    odds = 1.5 - 0.08 * tenure + 1.2 * (plan == "free")
    gone = rng.random(rows) < 1 / (1 + np.exp(-odds))
    return pd.DataFrame(
        {
            "tenure": tenure, "plan": pd.Series(plan).where(rng.random(rows) > 0.05, None),
            "emails": rng.random(rows) < 0.5, "spent": rng.gamma(2, 20, rows).round(2).astype(str),
            "name": [f"customer {i}" for i in range(rows)],
            "churned": np.where(gone, "Yes", "No"),
        }
    ).set_index(np.arange(rows) + 1000)  # fmt: skip


FRAME = customers()
OWN = """
[tasks.churn]
horizon_days = 3

[tasks.churn.costs]
offer = 2
saved = 10
"""


@pytest.fixture(scope="module")
def result() -> Result:
    return training.train(
        None, training.table(FRAME, label="churned"), budget=None, trials=3, report=False
    )


def test_importing_training_loads_nothing_heavy() -> None:
    """The functions are found when they are called for: `import training` costs nothing."""
    script = (
        "import sys, training\n"
        "assert not {'pandas', 'optuna', 'mlflow', 'sklearn'} & set(sys.modules)\n"
        "assert set(training.__all__) == {'Result', 'bar', 'table', 'train'}\n"
        "try:\n    training.tarin\nexcept AttributeError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "module 'training' has no attribute 'tarin'\n"


def test_probabilities_are_of_the_labels_own_values(result: Result) -> None:
    """One row a row by its index, one column a value, of a frame as it was handed in."""
    assert result.classes == ("No", "Yes")
    p = result.probability(FRAME)
    assert list(p.columns) == ["No", "Yes"]
    assert p.index.equals(FRAME.index)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    assert (
        p.loc[FRAME["churned"] == "Yes", "Yes"].mean()
        > p.loc[FRAME["churned"] == "No", "Yes"].mean()
    )
    answers = result.predict(FRAME)
    assert set(answers) <= {"No", "Yes"}
    assert (answers == FRAME["churned"]).mean() > 0.6


def test_a_frame_is_asked_as_it_was_learned(result: Result) -> None:
    """More columns, another order and an unseen value do no harm; a lacking column is an error."""
    p = result.probability(FRAME)
    other = FRAME[FRAME.columns[::-1]].assign(more=1)
    pd.testing.assert_frame_equal(result.probability(other), p)
    unseen = result.probability(FRAME.assign(plan="gold"))
    missing = result.probability(FRAME.assign(plan=None))
    pd.testing.assert_frame_equal(unseen, missing)
    with pytest.raises(DataError, match="tenure"):
        result.probability(FRAME.drop(columns="tenure"))


def test_it_stands_beside_its_baselines(result: Result) -> None:
    """On the same held-out rows; what was left out, and every trial, can be looked at."""
    assert result.tested
    assert result.metrics["roc_auc"] > 0.6
    assert set(result.baselines["prior"]) == set(result.metrics)
    assert len(result.trials) >= 3
    assert {"state", "log_loss", "algorithm", "seconds"} <= set(result.trials.columns)
    complete = result.trials["state"] == "complete"
    assert (result.trials["log_loss"].notna() == complete).all()
    assert result.importance.sum() == pytest.approx(1)
    assert set(result.importance.index) == {"tenure", "plan", "emails", "spent"}
    assert "name" in result.data.left_out


def test_it_gives_reasons(result: Result) -> None:
    """In words, for each row; a gap is told as one."""
    (first, second) = result.reasons(FRAME.assign(plan=None).head(2), k=2)
    assert len(first) == len(second) == 2
    assert {"feature", "value", "contribution", "direction", "words"} <= set(first[0])
    assert all(one["value"] is None for one in (*first, *second) if one["feature"] == "plan")


def test_a_notebook_shows_a_table(result: Result) -> None:
    """In text and in HTML, with the model beside its baselines."""
    assert repr(result).startswith("Result(churned: log_loss 0.")
    assert "on the test" in repr(result)
    html = result._repr_html_()
    assert "<td" in html
    assert "logistic regression" in html
    assert "churned = Yes?" in html


def test_the_report_is_one_page(result: Result, tmp_path: Path) -> None:
    """Written where it was asked for, and nowhere else."""
    page = result.report(tmp_path / "churn.html")
    text = page.read_text(encoding="utf-8")
    assert "<h1>churned</h1>" in text
    assert "the held-out test" in text
    assert [path.name for path in tmp_path.iterdir()] == ["churn.html"]
    assert result.sections[0].name == "test"


def test_saved_files_are_the_model(result: Result, tmp_path: Path) -> None:
    """Another process reads them and answers alike; what is there is not overwritten."""
    folder = result.save(tmp_path / "model")
    known = result.features(FRAME)
    np.testing.assert_array_equal(
        Scorer.from_folder(folder).score(known), result.probability(FRAME).to_numpy()
    )
    with pytest.raises(UsageError, match="exists already"):
        result.save(folder)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the caller's folder, and in no temporary one once the result is gone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    found = training.train(
        None, training.table(FRAME, "churned"), None, trials=1, test=0, report=False
    )
    assert found.folder.exists()
    assert not found.tested
    assert "out of fold" in repr(found)
    assert "Nothing was held out" in found.sections[0].words
    del found
    gc.collect()
    assert [path.name for path in tmp_path.rglob("*")] == ["scratch"]
    with pytest.raises(DataError):
        training.train(None, training.table(FRAME.head(20), "churned"), None, trials=1)
    assert [path.name for path in tmp_path.rglob("*")] == ["scratch"]


def test_more_than_two_classes() -> None:
    """Probabilities of each, by the label's own values; a task of two classes refuses them."""
    some = FRAME.head(150)
    frame = some.assign(churned=pd.cut(some["tenure"], 3, labels=[7, 8, 9]).astype(int))
    found = training.train(
        None, training.table(frame, "churned", drop=["spent"]), None, trials=1, report=False
    )
    assert found.classes == (7, 8, 9)
    assert (found.predict(frame) == frame["churned"]).mean() > 0.8
    with pytest.raises(UsageError, match="'churn' is binary, the label 'churned' has 3 values"):
        training.train("churn", training.table(frame, "churned"))


def test_a_training_set_and_its_task_are_taken_as_they_are() -> None:
    """The split goes forward, progress is told, and the classes are the model's own."""
    told: list[str] = []

    @contextmanager
    def listen(label: str, total: int | None):  # noqa: ARG001
        def advance(n: int, note: str = "") -> None:  # noqa: ARG001
            told.append(label)

        yield advance

    found = training.train(
        CHURN, make_set(make_frame(200)), None, trials=1, report=False, progress=listen
    )
    assert found.classes == ("no", "yes")
    assert found.built.prepared.splits.embargoed > 0
    assert told


@pytest.mark.parametrize(
    ("task", "data", "options", "error", "words"),
    [
        (None, FRAME, {}, UsageError, "does not say what to predict"),
        (None, 7, {}, UsageError, "Nothing can be trained on a int"),
        ("chrun", make_set(make_frame(10)), {}, UnknownName, "Did you mean 'churn'"),
        (None, make_set(make_frame(10)), {"budget": "soon"}, UsageError, "'soon' is not a time"),
        (None, make_set(make_frame(10)), {"test": 1.0}, UsageError, "test=1.0 is no share"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_in_words(
    task: str | None, data: object, options: dict[str, object], error: type[Exception], words: str
) -> None:
    """Before anything is computed."""
    with pytest.raises(error, match=words):
        training.train(task, data, **options)


def test_of_a_home_the_data_sets_own_question_is_asked(tmp_path: Path) -> None:
    """Its horizon and its costs, in the labels and in the model alike."""
    home = settle(tmp_path, TOML + OWN)
    fill(home, *happenings())
    refresh(home, tuple(supported(home.dataset()).values()), EventStore(home).as_of(home.dataset()))
    found = training.train("churn", home, budget=None, trials=2, report=False)
    rows = found.data.frame
    assert (rows["label_end"] - rows["event_timestamp"]).dt.days.unique() == [3]
    facts = json.loads((found.folder / "model.json").read_text(encoding="utf-8"))
    assert facts["horizon_days"] == found.task.horizon_days == 3
    assert found.task.costs == Costs(offer=2, saved=10)
    assert facts["threshold_rule"].startswith("an offer of 2 that saves 10 ")
