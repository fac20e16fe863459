"""The served file: one scorer for frames and rows, without us, without pickle."""

from __future__ import annotations

import ast
import json
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.version_files import FILES
from tests.training.conftest import FEATURES, Trained
from training import model
from training.model import FEW, Encoder, Scorer

TASKS = ("churn", "preference")


@pytest.fixture(params=TASKS)
def scorer(request: pytest.FixtureRequest, trained: Trained) -> Scorer:
    return Scorer.from_folder(trained.folder(request.param) / FILES)


def test_rows_score_as_frames_do(scorer: Scorer, trained: Trained) -> None:
    """The path without a frame gives the very same probabilities."""
    rows = trained.frames[scorer.task].head(50)
    names = [name for name, _ in scorer.features]
    records = [
        {k: None if pd.isna(v) else v for k, v in row.items()}
        for row in rows[names].to_dict("records")
    ]
    np.testing.assert_array_equal(scorer.score(rows), scorer.score_rows(records))
    cells = [list(row.values()) for row in records]
    kept = deepcopy(cells)
    for some in (cells, cells[:1], cells[:FEW], cells[: FEW + 1]):
        np.testing.assert_array_equal(scorer.score(rows[: len(some)]), scorer.score_cells(some))
    assert cells == kept  # whoever asked still logs them


def test_one_row_scores_as_among_others(scorer: Scorer, trained: Trained) -> None:
    """A row's score does not depend on its neighbours in the request."""
    rows = trained.frames[scorer.task].head(20)
    alone = np.vstack([scorer.score(rows.iloc[[i]]) for i in range(len(rows))])
    np.testing.assert_array_equal(alone, scorer.score(rows))


def test_threads_do_not_mix_their_rows(scorer: Scorer, trained: Trained) -> None:
    """One row at a time from many threads at once: each gets its own answer."""
    matrix = scorer.encoder.matrix(trained.frames[scorer.task].head(40))
    among = scorer.engine.margins(matrix)
    with ThreadPoolExecutor(max_workers=8) as threads:
        alone = list(threads.map(lambda i: scorer.engine.margins(matrix[[i % 40]]), range(2000)))
    np.testing.assert_array_equal(np.vstack(alone), np.tile(among, (50, 1)))


def test_a_row_of_another_width_is_refused(scorer: Scorer) -> None:
    """LightGBM would read past the end of a row that is too short."""
    with pytest.raises(ValueError, match="shape"):
        scorer.engine.margins(np.zeros((1, len(scorer.features) + 1)))


def test_the_order_of_columns_does_not_matter(scorer: Scorer, trained: Trained) -> None:
    """Columns are taken by name; what the model does not know is ignored."""
    rows = trained.frames[scorer.task].head(20)
    turned = rows[rows.columns[::-1]].assign(stranger=1)
    np.testing.assert_array_equal(scorer.score(rows), scorer.score(turned))


ODD = (math.nan, math.inf, -math.inf, None, "words", 1e300, True)


@pytest.mark.parametrize("value", ODD)
def test_odd_values_are_answered(scorer: Scorer, value: object) -> None:
    """Whatever stands in a cell, the answer is a probability, the same by both paths."""
    row = dict.fromkeys([name for name, _ in scorer.features], value)
    found = scorer.score_rows([row])  # type: ignore[list-item]
    assert found.sum() == pytest.approx(1)
    assert ((found > 0) & (found < 1)).all()
    np.testing.assert_array_equal(found, scorer.score(pd.DataFrame([row])))


def test_no_rows_have_no_scores(scorer: Scorer) -> None:
    """An empty request is answered with an empty matrix of the right width."""
    assert scorer.score_rows([]).shape == (0, len(scorer.classes))


def test_unseen_and_infinite_are_missing() -> None:
    """A category that training never saw, and an infinite number, encode as missing."""
    encoder = Encoder([("n", "number"), ("c", "category")], {"c": ["a", "b"]})
    rows = [{"n": 1.5, "c": "b"}, {"n": math.inf, "c": "new"}, {"n": "x", "c": 7}, {}]
    wanted = np.array([[1.5, 1.0], [math.nan] * 2, [math.nan] * 2, [math.nan] * 2])
    np.testing.assert_array_equal(encoder.rows(rows), wanted)
    np.testing.assert_array_equal(encoder.matrix(pd.DataFrame(rows)), wanted)


cells = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["a", "b", "3"])
some_rows = st.lists(
    st.fixed_dictionaries({}, optional={"n": cells, "m": cells, "c": cells, "new": cells}),
    max_size=4,
)


@given(some_rows)
@settings(max_examples=200, deadline=None)
def test_rows_encode_one_by_one(rows: list[dict[str, object]]) -> None:
    """Rows taken at once are each what the rule for one cell says, whatever stands in them."""
    encoder = Encoder([("n", "number"), ("c", "category"), ("m", "number")], {"c": ["a", "b"]})
    wanted = [
        [cell(row.get("n")), {"a": 0.0, "b": 1.0}.get(row.get("c"), math.nan), cell(row.get("m"))]  # type: ignore[call-overload]  # any cell
        for row in rows
    ]
    found = encoder.rows(rows)  # type: ignore[arg-type]  # any cell
    np.testing.assert_array_equal(found, np.array(wanted, dtype=float).reshape(len(rows), 3))


def cell(value: object) -> float:
    return math.nan if value is None else model.number(value)  # type: ignore[arg-type]


def test_answers_follow_the_threshold(trained: Trained) -> None:
    """Binary answers are yes from the threshold on; others name the likeliest class."""
    binary = Scorer.from_folder(trained.folder("churn") / FILES)
    t = binary.threshold
    assert binary.answers(np.array([[1 - t, t], [1 - t + 1e-6, t - 1e-6]])) == ["yes", "no"]
    many = Scorer.from_folder(trained.folder("preference") / FILES)
    assert many.answers(np.eye(3)) == ["audio", "text", "video"]


def test_the_file_stands_alone() -> None:
    """It imports nothing of ours: whoever has the version has all it takes."""
    tree = ast.parse(Path(model.__file__).read_text(encoding="utf-8"))
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    allowed = {"mlflow", "numpy", "pandas", "xgboost", "lightgbm"}
    assert imported <= allowed | set(sys.stdlib_module_names)


ELSEWHERE = """
import importlib.util, json, sys
sys.path = [p for p in sys.path if p]
sys.meta_path = [f for f in sys.meta_path if "editable" not in str(f).lower()]
sys.path = [p for p in sys.path if not (__import__("pathlib").Path(p) / "training").is_dir()]
assert importlib.util.find_spec("training") is None
assert importlib.util.find_spec("lifecycle") is None
import mlflow
loaded = mlflow.pyfunc.load_model(sys.argv[1])
answer = loaded.predict(loaded.input_example)
same = loaded.unwrap_python_model().scorer.score(loaded.input_example)
print(json.dumps([answer.to_dict("list"), same.tolist()]))
"""


@pytest.mark.parametrize("task", TASKS)
def test_it_loads_elsewhere_without_us_and_without_pickle(
    task: str, trained: Trained, tmp_path: Path
) -> None:
    """Another folder, none of our packages, pickle forbidden: MLflow still gives the answers."""
    env = {**os.environ, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    env.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(trained.folder(task))],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer, probabilities = json.loads(done.stdout.splitlines()[-1])
    assert "answer" in answer
    if task == "churn":
        assert answer["probability"] == [p[1] for p in probabilities]
        assert list(answer) == ["probability", "answer"]
    else:
        assert list(answer) == ["answer", "probability", "p_audio", "p_text", "p_video"]


def test_the_features_are_the_given_ones(scorer: Scorer) -> None:
    """Names, types and order are those of the training set."""
    assert scorer.features == FEATURES
