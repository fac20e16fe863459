"""A report leaves its parts where another program finds them, with every digit."""

from __future__ import annotations

import csv
import io
import json

import numpy as np

from training.report.figures import importance_figure
from training.report.files import files_of
from training.report.section import Section, Table

SECTION = Section(
    name="balancing", title="Balancing", words="No difference.",
    tables={"by method": Table(
        columns=("method", "log-loss", "note"),
        rows=[("smote", 0.123456789, None), ("none", float("nan"), 'a "quoted", word')],
    )},
    figures=(("differences", importance_figure({"a": 1.0})),),
    metrics={"smote_log_loss": float("nan")},
    details={"edges": np.array([1.0, np.nan]), "counts": {1: np.int64(3)}, "kept": {"x"}},
)  # fmt: skip


def test_every_part_has_its_file() -> None:
    """The page, the sheet, and each section's pictures, tables and numbers."""
    files = files_of("churn", {}, [SECTION])
    assert set(files) == {
        "report.html", "report.png", "report/balancing.json",
        "report/balancing-by_method.csv", "report/balancing-differences.png",
    }  # fmt: skip
    assert files["report/balancing-differences.png"][:4] == b"\x89PNG"


def test_a_csv_keeps_every_digit() -> None:
    """What the page rounds, the table does not."""
    text = files_of("churn", {}, [SECTION])["report/balancing-by_method.csv"].decode()
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[1] == ["smote", "0.123456789", ""]
    assert rows[2][2] == 'a "quoted", word'


def test_json_is_strict() -> None:
    """No NaN; numpy's numbers are numbers."""

    def refuse(word: str) -> None:
        raise AssertionError(word)

    text = files_of("churn", {}, [SECTION])["report/balancing.json"].decode()
    found = json.loads(text, parse_constant=refuse)
    assert found["tables"]["by method"][0] == {
        "method": "smote", "log-loss": 0.123456789, "note": None,
    }  # fmt: skip
    assert found["metrics"] == {"smote_log_loss": None}
    assert found["details"] == {"edges": [1.0, None], "counts": {"1": 3}, "kept": ["x"]}
