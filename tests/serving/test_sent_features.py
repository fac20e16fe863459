"""serving.sent_features: whatever was scored has a row in the log, with all that can be told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.prediction_log import PredictionLog
from serving.app import build_app
from serving.sent_features import as_sent
from tasks import churn
from tests.serving.conftest import Forged, TestClient
from tests.serving.shelf import Shelf

FEATURES = (("visits", "number"), ("spent", "number"), ("country", "category"))
ONE = [{"visits": 3.0, "spent": None, "country": "DE"}]

# What MLflow scores although it is no table, and a table beside it.
ODD: dict[str, dict[str, Any]] = {
    "one value a column": {"inputs": {"visits": 3.0, "country": "DE"}},
    "a list in a column of nobody": {"inputs": {"visits": [3.0], "country": ["DE"], "x": [[1, 2]]}},
    "a value beside columns": {"inputs": {"visits": [3.0], "country": ["DE"], "x": 5}},
    "an object in a column of nobody": {
        "instances": [{"visits": 3.0, "country": "DE", "x": {"a": 1}}]
    },
}
CELLS = st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.lists(st.integers())
COLUMN = (
    CELLS
    | st.lists(CELLS, max_size=3)
    | st.lists(CELLS, max_size=3).map(lambda cells: np.array([str(cell) for cell in cells]))
)


@pytest.fixture
def client(bare: Forged) -> Iterator[TestClient]:
    bare.promote("churn", 1)
    with TestClient(build_app(bare.home, (churn.TASK,), lookup=Shelf())) as client:
        yield client


def test_odd_requests_are_logged_as_they_were_read(client: TestClient, bare: Forged) -> None:
    """Each has its row with the features that the model read, and the log is in no trouble."""
    for body in ODD.values():
        answer = client.post("/invocations", json=body)
        assert answer.status_code == 200, answer.text
    deadline = time.monotonic() + 60
    while (state := client.get("/ready").json()["prediction_log"])["written"] < len(ODD):
        assert time.monotonic() < deadline, state
        time.sleep(0.02)
    assert (state["dropped"], state["unreadable"], state["trouble"]) == (0, 0, "")
    rows = PredictionLog(bare.home).read("churn")
    found = rows[["visits", "spent", "country"]].astype(object).where(rows.notna(), None)
    assert found.to_dict(orient="records") == ONE * len(ODD)


@given(
    columns=st.dictionaries(st.sampled_from(["visits", "spent", "country", "x"]), COLUMN),
    rows=st.integers(0, 3),
)
def test_no_mapping_of_columns_is_too_odd(columns: dict[str, Any], rows: int) -> None:
    """So many rows as there were answers, of numbers, words and nothing."""
    found = as_sent(columns, FEATURES, rows)
    assert [list(row) for row in found] == [[name for name, _ in FEATURES]] * rows
    for row in found:
        assert all(type(row[name]) in {float, type(None)} for name in ("visits", "spent"))
        assert type(row["country"]) in {str, type(None)}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (pd.DataFrame({"visits": [3.0], "country": ["DE"], "x": [1]}), ONE),
        (pd.DataFrame([[3.0, None, "DE"]]), ONE),
        ([[3.0, None, "DE"]], ONE),
        (pd.DataFrame([[1.0, 2.0, "DE"]], columns=["visits", "visits", "country"]),
         [{"visits": None, "spent": None, "country": "DE"}]),
        ({"visits": np.array([[3.0]]), "country": np.array(["DE"])},
         [{"visits": None, "spent": None, "country": "DE"}]),
        ({"visits": ["many"], "spent": [float("inf")], "country": [7]},
         [{"visits": None, "spent": None, "country": None}]),
    ],
    ids=["named", "by place", "rows", "twice", "nested", "unfit"],
)  # fmt: skip
def test_what_cannot_be_told_is_nothing(data: Any, expected: list[dict[str, object]]) -> None:
    """Columns by name, or by place where they have none; what is no value of its kind is None."""
    assert as_sent(data, FEATURES, 1) == expected
