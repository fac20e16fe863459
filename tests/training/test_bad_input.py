"""Whatever is handed in gets a clear error or a sound model: each case by a whole training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lifecycle.errors import DataError
from lifecycle.task import Task
from tests.training.conftest import (
    CHURN,
    FEATURES,
    NUMBERS,
    PREFERENCE,
    START,
    make_frame,
    make_set,
)
from training.candidate import Budget, Built, build
from training.model import LARGEST, Scorer
from training.trainingset import TrainingSet

Change = Callable[[pd.DataFrame], pd.DataFrame]
FRAME = make_frame(customers=200, seed=1)
TYPES = make_frame(customers=200, seed=1, kind="multiclass")


def trained(root: Path, data: TrainingSet | pd.DataFrame, task: Task = CHURN) -> Built:
    if isinstance(data, pd.DataFrame):
        data = make_set(data)
    folder = root / "version"
    folder.mkdir()
    return build(task, data, Budget(trials=1, report=False), folder, root / "studies")


def sound(built: Built) -> None:
    """Finite probabilities that sum to one, and the files answer as what was judged."""
    assert np.isfinite(built.probabilities).all()
    np.testing.assert_allclose(built.probabilities.sum(axis=1), 1)
    assert math.isfinite(built.metrics["log_loss"])
    again = Scorer.from_folder(built.folder)
    np.testing.assert_array_equal(
        again.score_matrix(built.prepared.test.matrix), built.probabilities
    )


def put(name: str, values: object, every: int = 1) -> Change:
    """Put values into every so-manyeth row of a column, whatever type that makes it."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        column = frame[name].astype(object)
        rows = range(0, len(frame), every)
        column.iloc[list(rows)] = pd.Series([values] * len(rows), dtype=object).to_numpy()
        return frame.assign(**{name: column})

    return change


ERRORS = {
    "one class": (
        lambda f: f.assign(label=True),
        r"Only one class in the train part\. All \d+ labels are 'True'.*label and horizon",
    ),
    "20 rows": (
        lambda f: f.head(20),
        r"Too little data: the train part has 0 rows, 30 are needed\. 20 labelled rows of 7 cust",
    ),
    "empty": (lambda f: f.head(0), r"There is nothing to train on\. No moment has a label yet"),
    "one customer many times": (
        lambda f: pd.concat([f.head(1)] * 500, ignore_index=True),
        r"Too little data: the train part has 0 rows.*500 labelled rows of 1 customers",
    ),
    "two positives": (
        lambda f: f.assign(label=np.arange(len(f)) < 2),
        r"Only one class in the calibrate part",
    ),
    "no label": (put("label", None, 200), r"3 of 600 rows have no label\. The first is row 0\."),
    "label NaN": (put("label", math.nan, 600), r"1 of 600 rows have no label"),
    "label in words": (
        lambda f: f.assign(label=f["label"].map({True: "left", False: "stayed"})),
        r"binary task is yes or no\. 2 values: '(left|stayed)', '(left|stayed)'\..*True and False",
    ),
    "label of three": (put("label", 2, 7), r"yes or no\. 3 values: .*2"),
    "mixed numbers": (
        put("n0", "many", 3),
        r"'n0' is declared a number.*200 of 600, such as 'many' \(str\).*declare the feature a cat",
    ),
    "mixed categories": (
        put("plan", 3, 2),
        r"'plan' is declared a category.*300 of 600, such as 3 \(int\).*declare the feature a num",
    ),
    "booleans as a category": (put("plan", True), r"600 of 600, such as True \(bool\)"),
    "times as a number": (
        lambda f: f.assign(n0=f["signed_up_at"]),
        r"'n0' is declared a number.*such as Timestamp",
    ),
    "lists": (put("plan", ["a"], 300), r"2 of 600, such as \['a'\] \(list\)"),
    "complex": (put("n1", 1 + 2j, 300), r"2 of 600, such as \(1\+2j\) \(complex\)"),
    "a column twice": (
        lambda f: pd.concat([f, f[["n0", "label"]]], axis=1),
        r"Columns must be there once: label, n0\.",
    ),
    "a column too few": (
        lambda f: f.drop(columns=["n0", "label_end"]),
        r"lacks columns: label_end, n0\. It has customer_id.*and 5 more",
    ),
    "no customer": (put("customer_id", None, 300), r"2 of 600 rows have no customer_id"),
    "no moment": (
        lambda f: f.assign(event_timestamp=f["event_timestamp"].where(f.index > 0)),
        r"1 of 600 rows have no event_timestamp",
    ),
    "time as text": (
        lambda f: f.assign(signed_up_at=f["signed_up_at"].astype(str)),
        r"signed_up_at is no time\. Its type is object.*to_datetime",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_cannot_be_trained_on_is_refused_in_words(tmp_path: Path, case: str) -> None:
    """The error says what is wrong, with the rows and a value, and what to do."""
    change, text = ERRORS[case]
    with pytest.raises(DataError, match=text) as error:
        trained(tmp_path, change(FRAME))
    assert error.value.do


@pytest.mark.parametrize(
    ("features", "text"),
    [
        ((), "'churn' has no features"),
        ((*FEATURES, FEATURES[0]), "Columns must be there once: n0"),
        ((*FEATURES, ("label", "number")), "A feature cannot be a key or the label: label"),
    ],
    ids=["none", "one twice", "the label"],
)
def test_features_that_cannot_be_are_refused(
    tmp_path: Path, features: tuple[tuple[str, str], ...], text: str
) -> None:
    """No features, one named twice, or the answer among them."""
    with pytest.raises(DataError, match=text):
        trained(tmp_path, replace(make_set(FRAME), features=features))


def test_a_constant_label_of_a_choice_is_refused(tmp_path: Path) -> None:
    """Where everybody took the same, there is nothing to choose."""
    with pytest.raises(DataError, match=r"Only one class in the train part.*'audio'"):
        trained(tmp_path, TYPES.assign(label="audio"), PREFERENCE)


ODD = {
    "infinite": lambda f: (
        f["n0"].where(f.index % 3 > 0, math.inf).where(f.index % 7 > 0, -math.inf)
    ),
    "huge": lambda f: f["n0"] * 1e300,
    "tiny": lambda f: f["n1"] * 1e-300,
    "whole": lambda f: pd.Series([10**400 if i % 5 else i for i in f.index], dtype=object),
    "empty": lambda _: math.nan,
    "constant": lambda _: 1.0,
    "boolean": lambda f: f["n0"] > 0,
    "perhaps": lambda f: (f["n0"] > 0).astype("boolean").where(f["n0"].notna()),
    "integer": lambda f: (f["n1"].fillna(0) * 10).astype(int),
    "nullable": lambda f: (f["n1"] * 10).round().astype("Int64"),
    "small": lambda f: f["n2"].astype("float32"),
    "text": lambda f: f["n2"].map(lambda v: None if math.isnan(v) else f" {v:.3f}"),
}
ODD_WORDS = {
    "many": lambda f: [f"value {i % 500}" for i in range(len(f))],
    "each its own": lambda f: [f"user {i}" for i in range(len(f))],
    "late": lambda f: ["earth" if i < 540 else "mars" for i in range(len(f))],
    "strange": lambda f: np.where(f.index % 2, 'é,"[]{}=\n\t☃', ""),
    "coded": lambda f: f["plan"].astype("category"),
    "typed": lambda f: f["plan"].astype("string"),
    "nothing": lambda _: None,
}


def test_one_table_with_every_odd_column_trains(tmp_path: Path) -> None:
    """Infinite, huge, empty, constant, boolean, text: all at once beside honest columns."""
    columns = {name: make(FRAME) for name, make in (ODD | ODD_WORDS).items()}
    features = (
        *FEATURES,
        *((name, "number") for name in ODD),
        *((name, "category") for name in ODD_WORDS),
    )
    frame = FRAME.assign(**columns)
    before = frame.copy(deep=True)
    built = trained(tmp_path, replace(make_set(frame), features=features))
    sound(built)
    assert built.metrics["roc_auc"] > 0.7
    assert np.nanmax(np.abs(built.prepared.train.matrix)) <= LARGEST
    pd.testing.assert_frame_equal(frame, before)
    row = {"whole": 10**400, "huge": -math.inf, "n0": "text", "late": "venus", "plan": ["a"]}
    p = built.scorer.score_rows([row])  # type: ignore[list-item]  # somebody's request
    assert np.isfinite(p).all()
    missing = built.scorer.score_rows([{}])
    np.testing.assert_array_equal(p, missing)
    mixed = frame.sample(60, random_state=0)
    np.testing.assert_array_equal(
        built.scorer.score(mixed), built.scorer.score(frame)[mixed.index.to_numpy()]
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda f: pd.concat([f, f], ignore_index=True),
        lambda f: f.assign(**dict.fromkeys(NUMBERS, math.nan), plan=None, place=None),
        lambda f: f.sample(frac=1, random_state=0).set_index(np.zeros(len(f), dtype=int)),
        lambda f: f.assign(label=f["label"].astype(int)),
    ],
    ids=["every row twice", "nothing known", "any order, one index", "0 and 1"],
)
def test_odd_tables_train(tmp_path: Path, change: Change) -> None:
    """Doubled rows, no value at all, rows in any order, whole numbers as the label."""
    built = trained(tmp_path, change(FRAME))
    sound(built)
    known = not np.isnan(built.prepared.train.matrix).all()
    assert (built.metrics["roc_auc"] > 0.7) == known


def test_a_wide_short_table_trains(tmp_path: Path) -> None:
    """Many more columns than rows, nearly all of them noise."""
    frame = FRAME.iloc[:450]
    noise = pd.DataFrame(np.random.default_rng(0).normal(size=(len(frame), 300))).add_prefix("w")
    wide = TrainingSet(
        frame=pd.concat([frame, noise], axis=1),
        features=(*FEATURES, *((name, "number") for name in noise)),
        as_of=START + timedelta(days=120),
    )
    built = trained(tmp_path, wide)
    assert built.scorer.encoder.matrix(frame).shape == (450, 307)
    sound(built)


def test_classes_that_are_numbers_and_rare_train(tmp_path: Path) -> None:
    """Labels 1, 2, 3 and one row of a 4: classes are their names, and nothing fails."""
    labels = TYPES["label"].map({"audio": 1, "text": 2, "video": 3})
    labels.iloc[5] = 4
    built = trained(tmp_path, TYPES.assign(label=labels), PREFERENCE)
    sound(built)
    assert built.scorer.classes == ("1", "2", "3", "4")
