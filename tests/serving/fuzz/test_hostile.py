"""Nothing that a caller sends is our failure: no 5xx, no stack trace, and the server lives on."""

from __future__ import annotations

import json
import math
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.serving.conftest import TestClient
from tests.serving.forge import FEATURES
from tests.serving.fuzz.cases import share

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)
FORMATS = st.sampled_from(["dataframe_split", "dataframe_records", "inputs", "instances", "x"])
NAMES = st.sampled_from([name for name, _ in FEATURES] + ["other"])
RECORDS = st.lists(st.dictionaries(NAMES, JSON, max_size=4), max_size=3)
SPLITS = st.fixed_dictionaries(
    {"columns": st.lists(NAMES, max_size=4), "data": st.lists(st.lists(JSON, max_size=4))}
)
NEAR = st.fixed_dictionaries(
    {"visits": st.floats() | st.integers(), "spent": st.floats() | st.none() | st.text(max_size=3),
     "country": st.sampled_from(["DE", "FR", "", "\u0000", "\U0001f600"]) | st.text(max_size=3)}
)  # fmt: skip
TYPES = ["application/json", "text/csv", "application/vnd.apache.parquet", "text/csv; charset=x",
         "application/json; a=b", "", ";"]  # fmt: skip


def asked(client: TestClient, path: str, body: str | bytes, kind: str = TYPES[0]) -> int:
    """The status, which says that the caller got an answer or a refusal in its shape."""
    answer = client.post(path, content=body, headers={"content-type": kind})
    assert answer.status_code < 500, answer.text
    assert "stack_trace" not in answer.text
    if answer.status_code >= 400 and answer.headers["content-type"].startswith("application/json"):
        assert set(answer.json()) >= {"error_code", "message"}
    return answer.status_code


@given(kind=FORMATS, data=JSON | RECORDS | SPLITS, params=st.none() | JSON)
@share(0.2, 60)
def test_no_json_is_our_failure(
    fuzzed: TestClient, kind: str, data: object, params: object
) -> None:
    """Whatever JSON is sent as rows of features, it is answered or refused."""
    asked(
        fuzzed,
        "/invocations",
        json.dumps({kind: data} | ({} if params is None else {"params": params})),
    )


@given(records=st.lists(NEAR, min_size=1, max_size=4))
@example(records=[{"visits": math.inf, "spent": 1.0, "country": "DE"}])
@example(records=[{"visits": 10**400, "spent": 1.0, "country": "DE"}])
@example(records=[{"visits": 1.0, "spent": 1.0, "country": "NaN"}])
@share(0.2, 40)
def test_nearly_right_rows(fuzzed: TestClient, records: list[dict[str, object]]) -> None:
    """Rows that almost fit are scored or refused; numbers that JSON has not are always refused."""
    status = asked(fuzzed, "/invocations", json.dumps({"dataframe_records": records}))
    numbers = [value for record in records for value in record.values() if type(value) is float]
    if not all(map(math.isfinite, numbers)):
        assert status == 400


@given(
    body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode), kind=st.sampled_from(TYPES)
)
@share(0.1, 60)
def test_no_bytes_are_our_failure(fuzzed: TestClient, body: bytes, kind: str) -> None:
    """Whatever bytes are sent under whatever type, it is a refusal."""
    asked(fuzzed, "/invocations", body, kind)


@given(user=st.text(max_size=30))
@example(user="'; DROP TABLE customers; --")
@example(user="../../etc/passwd")
@example(user="..%2f..%2fetc%2fpasswd")
@example(user="known-1\r\nX-Evil: 1")
@share(0.2, 60)
def test_no_id_is_our_failure(fuzzed: TestClient, user: str) -> None:
    """Whoever is asked for by whatever name, it is content or a 400; SQL and paths are names."""
    scored = asked(fuzzed, "/churn/score", json.dumps({"customer_ids": [user]}))
    # a dot by its number, or clients would climb up the path before they ask
    named = quote(user, safe="").replace(".", "%2E")
    path = fuzzed.get(f"/api/personalization/{named}")
    assert scored in {200, 400}
    assert path.status_code in {200, 400}


@given(ids=JSON, reasons=JSON)
@share(0.1, 30)
def test_no_list_of_customers_is_our_failure(
    fuzzed: TestClient, ids: object, reasons: object
) -> None:
    """Whatever stands where ids should, and where the number of reasons should."""
    body = json.dumps({"customer_ids": ids, "reasons": reasons})
    assert asked(fuzzed, "/churn/score", body) in {200, 400}


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"dataframe_records": [{"visits": ' + b"9" * 5000 + b"}]}",
        b'{"dataframe_records": [{"visits": 1e999, "spent": 1, "country": null}]}',
        b'{"dataframe_records": [{"visits": NaN, "spent": Infinity, "country": null}]}',
        b'{"dataframe_split": {"columns": ["visits", "visits"], "data": [[1, 2]]}}',
        b'{"dataframe_split": {"columns": [], "data": []}}',
        b'{"dataframe_split": 7}',
        b'{"instances": [[1], [1, 2]]}',
        b'{"inputs": {"visits": [1, 2], "spent": [1]}}',
        b'{"dataframe_records": [{"visits": {"a": [1]}}]}',
        b'{"customer_ids": ["\\ud800"]}',
        b"\xff\xfe",
        b"",
    ],
    ids=lambda body: repr(body[:40]),
)
def test_hostile_bodies_are_refused(fuzzed: TestClient, body: bytes) -> None:
    """Deep nesting, huge numbers, ragged tables, broken text: a 4xx or an answer."""
    for path in ("/invocations", "/churn/score"):
        asked(fuzzed, path, body)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('"visits": 1e999, "spent": 1, "country": "DE"', "holds an infinite number in 'visits'"),
        ('"visits": 1, "spent": NaN, "country": "DE"', "NaN is no JSON number"),
        ('"visits": 1, "spent": -Infinity, "country": "DE"', "-Infinity is no JSON number"),
        ('"visits": "many", "spent": 1, "country": "DE"', ""),
        ('"visits": 1, "spent": 1', "country"),
    ],
)
def test_the_refusal_says_what_is_wrong(fuzzed: TestClient, row: str, words: str) -> None:
    """A 400 in MLflow's shape that names the fault."""
    body = f'{{"dataframe_records": [{{{row}}}]}}'
    answer = fuzzed.post("/invocations", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert words in answer.json()["message"]


def test_too_many_rows_are_refused(fuzzed: TestClient) -> None:
    """Small rows fit a body by the hundred thousand; a model need not score them."""
    rows = "\n".join(["visits,spent,country", *["1,2,DE"] * 10_001])
    answer = fuzzed.post("/invocations", content=rows, headers={"content-type": "text/csv"})
    assert answer.status_code == 400
    assert "The request has 10001 rows. 10000 are allowed." in answer.json()["message"]
