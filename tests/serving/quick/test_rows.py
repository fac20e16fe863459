"""serving.quick.rows: only what MLflow surely reads the same way is read without it."""

from __future__ import annotations

import json

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflow.models.utils import _enforce_schema
from mlflow.pyfunc.scoring_server import infer_and_parse_data
from mlflow.types import ColSpec, Schema

from serving.quick.rows import MOST_BYTES, MOST_ROWS, Rows

JSON = b"application/json"
KINDS = {"visits": "number", "spent": "number", "country": "category"}
SCHEMA = Schema(
    [ColSpec("double", "visits"), ColSpec("double", "spent", required=False),
     ColSpec("string", "country", required=False)]
)  # fmt: skip
ROWS = Rows(KINDS, frozenset({"visits"}))
FORMS = ("dataframe_split", "dataframe_records", "inputs", "instances")

number = st.none() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
word = st.none() | st.sampled_from(["DE", "FR", "None", "", "7", "nan", "ü", "日本", "\x00", '"'])
odd = st.booleans() | st.just("3.5") | st.just([1]) | st.just({"a": 1}) | number | word
strange = st.fixed_dictionaries(
    {}, optional={"visits": odd, "spent": odd, "country": odd, "extra": odd}
)
plain = st.fixed_dictionaries(
    {"visits": number},
    optional={"spent": number, "country": word, "extra": number | word | st.booleans()},
)


@st.composite
def sent(draw: st.DrawFn) -> tuple[str, object]:
    """A request in one of the formats: mostly of plain rows, now and then of anything."""
    rows = draw(st.lists(draw(st.sampled_from([plain, plain, strange])), min_size=1, max_size=4))
    form = draw(st.sampled_from(FORMS))
    if draw(st.booleans()):
        keys = rows[0].keys()
        rows = [{key: row.get(key) for key in keys} for row in rows]
    if form == "dataframe_split":
        columns = list(rows[0])
        split = {"columns": columns, "data": [[row.get(c) for c in columns] for row in rows]}
        index = draw(st.none() | st.lists(st.integers(0, 3), min_size=len(rows), max_size=4))
        return form, split if index is None else {**split, "index": index}
    if form != "dataframe_records" and draw(st.booleans()):
        return form, {key: [row.get(key) for row in rows] for key in rows[0]}
    return form, rows


@given(sent())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_read_is_what_mlflow_reads(request: tuple[str, object]) -> None:
    """Each value is the one in MLflow's data frame; where MLflow refuses, nothing is read."""
    form, content = request
    body = json.dumps({form: content}).encode()
    read = ROWS.read(JSON, body)
    if read is None:
        return
    frame = _enforce_schema(infer_and_parse_data(json.loads(body), SCHEMA), SCHEMA)
    assert len(frame) == len(read)
    for place, (name, kind) in enumerate(KINDS.items()):
        theirs = frame[name].tolist() if name in frame else [None] * len(frame)
        mine = [row[place] for row in read]
        assert all(same(kind, *pair) for pair in zip(mine, theirs, strict=True)), (name, mine)


def same(kind: str, mine: object, theirs: object) -> bool:
    if pd.isna(theirs):  # type: ignore[call-overload]  # a scalar of a frame's cell
        return mine is None
    if kind == "number":
        return isinstance(mine, int | float) and np.float64(mine) == theirs
    return isinstance(mine, str) and mine == theirs


ROW = {"visits": 1.0, "spent": 2, "country": "DE"}
READ = {
    "records": {"dataframe_records": [ROW]},
    "split": {"dataframe_split": {"columns": list(ROW), "data": [list(ROW.values())]}},
    "split in another order": {
        "dataframe_split": {"columns": list(ROW)[::-1], "data": [list(ROW.values())[::-1]]}
    },
    "split with more": {
        "dataframe_split": {"columns": ["extra", *ROW], "data": [["x", *ROW.values()]]}
    },
    "inputs by row": {"inputs": [ROW]},
    "inputs by column": {"inputs": {name: [value] for name, value in ROW.items()}},
    "instances": {"instances": [ROW]},
    "instances by column": {"instances": {name: [value] for name, value in ROW.items()}},
    "params": {"dataframe_records": [ROW], "params": {"depth": 3}},
}


@pytest.mark.parametrize("name", READ)
def test_every_format_is_read(name: str) -> None:
    """A plain row is read whichever documented format it comes in."""
    assert ROWS.read(JSON, json.dumps(READ[name]).encode()) == [list(ROW.values())]


def records(*rows: object, **more: object) -> bytes:
    return json.dumps({"dataframe_records": rows, **more}).encode()


LEFT = {
    "not JSON": b"{",
    "a number that JSON has not": b'{"dataframe_records": [{"visits": NaN}]}',
    "a number beyond any float": b'{"dataframe_records": [{"visits": 1e999}]}',
    "another encoding": json.dumps({"dataframe_records": [ROW]}).encode("utf-16"),
    "half a character": b'{"dataframe_records": [{"visits": 1, "country": "\\ud800"}]}',
    "a list": b"[]",
    "two formats": records(ROW, inputs=[ROW]),
    "a key that means something else to MLflow": records(ROW, messages=[]),
    "no rows": records(),
    "a row that is none": records(ROW, 1),
    "no column that is known": records({"extra": 1}),
    "without a required column": records({"spent": 1.0}),
    "text for a number": records({"visits": "3"}),
    "yes for a number": records({"visits": True}),
    "a number for a word": records({"visits": 1, "country": 7}),
    "a list in a column that is not known": records({"visits": 1, "extra": [1]}),
    "too many rows": records(*[ROW] * (MOST_ROWS + 1)),
    "too many bytes": records(ROW, params="x" * MOST_BYTES),
    "a null among the words of an array": b'{"inputs": [{"visits": 1, "country": null}]}',
    "rows of different columns": json.dumps({"instances": [{"visits": 1}, ROW]}).encode(),
    "columns of different length": b'{"inputs": {"visits": [1, 2], "spent": [1]}}',
    "one value instead of a column": b'{"inputs": {"visits": 1}}',
    "one column twice": b'{"dataframe_split": {"columns": ["visits", "visits"], "data": [[1, 2]]}}',
    "a short row": b'{"dataframe_split": {"columns": ["visits", "spent"], "data": [[1]]}}',
    "no columns": b'{"dataframe_split": {"data": [[1, 2, "DE"]]}}',
    "an index of words":
        b'{"dataframe_split": {"columns": ["visits"], "data": [[1]], "index": ["a"]}}',
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT)
def test_everything_else_is_left_to_mlflow(name: str) -> None:
    """What might mean something else to MLflow, or nothing, is not read."""
    assert ROWS.read(JSON, LEFT[name]) is None


def test_columns_that_only_some_rows_have() -> None:
    """A record may lack what another has: it is missing there, as in a frame."""
    rows = [{"spent": 1.0}, {"visits": 2}]
    assert ROWS.read(JSON, records(*rows)) == [[None, 1.0, None], [2, None, None]]


@pytest.mark.parametrize(
    ("kind", "read"),
    [(b"application/json; charset=utf-8", True), (b"application/json;charset=UTF-8", True),
     (b"application/json; charset=latin-1", False), (b"Application/JSON", False),
     (b"text/csv", False), (None, False)],
)  # fmt: skip
def test_only_mlflows_spellings_of_json(kind: bytes | None, read: bool) -> None:
    """A type that MLflow would refuse, or read otherwise, is left to it."""
    assert (ROWS.read(kind, records(ROW)) is not None) is read


def test_the_last_of_a_doubled_key_counts() -> None:
    """As in Python's own reader."""
    body = b'{"dataframe_records": [{"visits": 1, "visits": 2}]}'
    assert ROWS.read(JSON, body) == [[2, None, None]]
    assert orjson.loads(body)["dataframe_records"] == [{"visits": 2}]


def test_a_word_that_ends_in_nothing_is_left_to_mlflow() -> None:
    """Numpy drops a NUL from the end of a word, and JSON has one way to write it."""
    for form in (json.dumps, lambda content: json.dumps(content, ensure_ascii=False)):
        body = form({"dataframe_records": [{**dict.fromkeys(KINDS, None), "country": "DE\x00"}]})
        assert ROWS.read(JSON, body.encode()) is None
