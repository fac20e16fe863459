"""serving.invocations: the same version, asked the same way, says what MLflow's own server says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import pytest

from tests.serving.conftest import Forged
from tests.serving.forge import rows
from tests.serving.live import Running, ours, stock, wait

JSON = "application/json"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"

FRAME = rows(4, seed=11)
SPLIT = json.loads(FRAME.to_json(orient="split", index=False))
RECORDS = json.loads(FRAME.to_json(orient="records"))
COLUMNS = {name: [record[name] for record in RECORDS] for name in FRAME.columns}


def parquet() -> bytes:
    sink = BytesIO()
    FRAME.to_parquet(sink)
    return sink.getvalue()


def body(**fields: object) -> bytes:
    return json.dumps(fields).encode()


REQUESTS = {
    "split": (JSON, body(dataframe_split=SPLIT)),
    "records": (JSON, body(dataframe_records=RECORDS)),
    "inputs by column": (JSON, body(inputs=COLUMNS)),
    "inputs by row": (JSON, body(inputs=RECORDS)),
    "instances": (JSON, body(instances=RECORDS)),
    "csv": (CSV, FRAME.to_csv(index=False).encode()),
    "csv with its charset": (f"{CSV}; charset=utf-8", FRAME.to_csv(index=False).encode()),
    "parquet": (PARQUET, parquet()),
    "unknown params": (JSON, body(dataframe_split=SPLIT, params={"depth": 3})),
    "no rows": (JSON, body(dataframe_split={"columns": list(FRAME.columns), "data": []})),
    "an extra column": (JSON, body(dataframe_records=[{**RECORDS[0], "extra": 1}])),
    "columns in another order": (
        JSON,
        body(dataframe_records=[dict(reversed(RECORDS[0].items()))]),
    ),
    "a missing column": (JSON, body(dataframe_records=[{"visits": 1.0}])),
    "text for a number": (JSON, body(dataframe_records=[{**RECORDS[0], "visits": "many"}])),
    "a number for a category": (JSON, body(dataframe_records=[{**RECORDS[0], "country": 7}])),
    "an unseen category": (JSON, body(dataframe_records=[{**RECORDS[0], "country": "XX"}])),
    "not JSON": (JSON, b"{"),
    "a list": (JSON, b"[1, 2]"),
    "no format": (JSON, body(rows=[1])),
    "two formats": (JSON, body(inputs=COLUMNS, instances=RECORDS)),
    "split of nonsense": (JSON, body(dataframe_split={"a": 1})),
    "records of numbers": (JSON, body(dataframe_records=[1, 2])),
    "not CSV": (CSV, b'"'),
    "not parquet": (PARQUET, b"PAR0"),
    "another type": ("text/html", b"<p>"),
    "another charset": ("application/json; charset=latin-1", body(dataframe_split=SPLIT)),
    "a type with a stranger": ("application/json; version=1", body(dataframe_split=SPLIT)),
    "no body": (JSON, b""),
}


@dataclass(frozen=True)
class Pair:
    """The same champion behind MLflow's server and behind ours."""

    theirs: Running
    ours: Running


@pytest.fixture(scope="module")
def pair(_forged: Forged, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    own = _forged.copy(tmp_path_factory.mktemp("pair"))
    own.promote("churn", 1)
    own.promote("preference", 1)
    with stock(own.home, "churn") as theirs, ours(own.home) as our:
        wait(theirs)
        wait(our)
        yield Pair(theirs, our)


@pytest.mark.parametrize("name", REQUESTS)
def test_we_answer_as_mlflow_does(pair: Pair, name: str) -> None:
    """Status and body are those of `mlflow models serve`, errors included.

    Two things differ on purpose: where MLflow falls over (500) the caller is told (400), and no
    stack trace leaves the server.
    """
    kind, content = REQUESTS[name]
    headers = {"content-type": kind}
    theirs = pair.theirs.client.post("/invocations", content=content, headers=headers)
    mine = pair.ours.client.post("/invocations", content=content, headers=headers)
    assert "stack_trace" not in mine.text
    if theirs.status_code == 500:
        assert mine.status_code == 400
        assert mine.json()["message"]
        return
    assert mine.status_code == theirs.status_code
    assert mine.headers["content-type"] == theirs.headers["content-type"]
    assert shown(mine.text) == shown(theirs.text)


def test_most_requests_are_no_failure_of_mlflow(pair: Pair) -> None:
    """The table above compares bodies, and does not pass because MLflow falls over everywhere."""
    statuses = [
        pair.theirs.client.post("/invocations", content=c, headers={"content-type": k}).status_code
        for k, c in REQUESTS.values()
    ]
    assert statuses.count(200) >= 10
    assert statuses.count(500) <= 3


@pytest.mark.parametrize("path", ["/ping", "/health", "/version", "/invocations", "/nowhere"])
def test_other_pages_have_their_statuses(pair: Pair, path: str) -> None:
    """Health and version answer the same; so does the wrong method and the wrong page."""
    theirs, mine = pair.theirs.client.get(path), pair.ours.client.get(path)
    assert mine.status_code == theirs.status_code
    if mine.status_code == 200:
        assert mine.text == theirs.text


def test_missing_type_is_refused(pair: Pair) -> None:
    """MLflow's server falls over without a content type; ours says which types there are."""
    answer = pair.ours.client.post("/invocations", content=b"{}")
    assert answer.status_code == 415
    assert answer.text.startswith("This predictor only supports the following content types")


def shown(text: str) -> object:
    """What both servers must agree on: everything but the stack trace."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    if isinstance(found, dict):
        found.pop("stack_trace", None)
    return found
