"""Requests for `/invocations`, each once: what is asked of MLflow's server and of ours.

The model behind takes `visits` and `country`, which MLflow requires, and `spent`, which may lack.
"""

from __future__ import annotations

import json
from io import BytesIO

from tests.serving.forge import rows

JSON = "application/json"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"

FRAME = rows(4, seed=11)
SPLIT = json.loads(FRAME.to_json(orient="split", index=False))
RECORDS = json.loads(FRAME.to_json(orient="records"))
COLUMNS = {name: [record[name] for record in RECORDS] for name in FRAME.columns}
ROW = {"visits": 3.0, "spent": 8.25, "country": "FR"}


def parquet() -> bytes:
    sink = BytesIO()
    FRAME.to_parquet(sink)
    return sink.getvalue()


def body(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def changed(**values: object) -> bytes:
    return body(dataframe_records=[{**ROW, **values}])


# Small and plain: those of the short way.
PLAIN = {
    "split": (JSON, body(dataframe_split=SPLIT)),
    "split with an index": (JSON, body(dataframe_split={**SPLIT, "index": [7, 7, 5, 0]})),
    "split of one row": (JSON, body(dataframe_split={**SPLIT, "data": SPLIT["data"][:1]})),
    "records": (JSON, body(dataframe_records=RECORDS)),
    "one record": (JSON, body(dataframe_records=[ROW])),
    "many records": (JSON, body(dataframe_records=[*RECORDS, ROW] * 20)),
    "inputs by column": (JSON, body(inputs=COLUMNS)),
    "inputs by row": (JSON, body(inputs=RECORDS)),
    "instances": (JSON, body(instances=RECORDS)),
    "instances by column": (JSON, body(instances=COLUMNS)),
    "unknown params": (JSON, body(dataframe_split=SPLIT, params={"depth": 3})),
    "params that are none": (JSON, body(dataframe_split=SPLIT, params=[1])),
    "params beside instances": (JSON, body(instances=RECORDS, params={"depth": 3})),
    "its charset": (f"{JSON}; charset=utf-8", body(dataframe_split=SPLIT)),
    "an extra column": (JSON, changed(extra=1)),
    "another order": (JSON, body(dataframe_records=[dict(reversed(RECORDS[0].items()))])),
    "without what may lack": (JSON, body(dataframe_records=[{"visits": 1.0, "country": "DE"}])),
    "lacking in one row": (JSON, body(dataframe_records=[{"visits": 1, "country": "DE"}, ROW])),
    "an unseen category": (JSON, changed(country="XX")),
    "no category": (JSON, changed(country=None)),
    "letters of other scripts": (JSON, changed(country="Österreich 日本")),
    "whole numbers": (JSON, changed(visits=3, spent=8)),
    "nothing for a number": (JSON, changed(visits=None, spent=None)),
    "a number beyond 64 bits": (JSON, changed(visits=2**70)),
    "a very large number": (JSON, changed(visits=1e300)),
    "a very small number": (JSON, changed(visits=5e-324, spent=-0.0)),
    "digits beyond a double": (
        JSON,
        b'{"instances": [{"visits": 0.10000000000000000555111512312578270211, "country": "DE"}]}',
    ),
    "a key twice": (JSON, b'{"instances": 1, "instances": [{"visits": 1, "country": "DE"}]}'),
}

# What MLflow's own code answers.
OTHERS = {
    "csv": (CSV, FRAME.to_csv(index=False).encode()),
    "csv with its charset": (f"{CSV}; charset=utf-8", FRAME.to_csv(index=False).encode()),
    "parquet": (PARQUET, parquet()),
    "no rows": (JSON, body(dataframe_split={"columns": list(FRAME.columns), "data": []})),
    "no records": (JSON, body(dataframe_records=[])),
    "split with an index of words": (
        JSON,
        body(dataframe_split={**SPLIT, "index": ["a", "b", "c", "d"]}),
    ),
    "split without columns": (JSON, body(dataframe_split={"data": SPLIT["data"]})),
    "a column twice": (
        JSON,
        body(dataframe_split={"columns": ["visits", "visits", "country"], "data": [[1, 2, "DE"]]}),
    ),
    "inputs of one value a column": (JSON, body(inputs=ROW)),
    "inputs with a null among words": (JSON, body(inputs=[{**ROW, "country": None}])),
    "columns of other lengths": (JSON, body(inputs={**COLUMNS, "visits": [1.0]})),
    "rows of other columns": (JSON, body(instances=[ROW, {"visits": 1, "country": "DE"}])),
    "a missing column": (JSON, body(dataframe_records=[{"visits": 1.0}])),
    "text for a number": (JSON, changed(visits="many")),
    "digits in quotes": (JSON, changed(visits="3.5")),
    "yes for a number": (JSON, changed(visits=True)),
    "a list for a number": (JSON, changed(visits=[1])),
    "a number for a category": (JSON, changed(country=7)),
    "a list in an extra column": (JSON, changed(extra=[1, 2])),
    "not JSON": (JSON, b"{"),
    "a list": (JSON, b"[1, 2]"),
    "a word": (JSON, b'"rows"'),
    "no format": (JSON, body(rows=[1])),
    "two formats": (JSON, body(inputs=COLUMNS, instances=RECORDS)),
    "split of nonsense": (JSON, body(dataframe_split={"a": 1})),
    "split of a list": (JSON, body(dataframe_split=[1])),
    "records of numbers": (JSON, body(dataframe_records=[1, 2])),
    "records of a table": (JSON, body(dataframe_records=COLUMNS)),
    "no number in JSON": (JSON, b'{"dataframe_records": [{"visits": NaN, "country": "DE"}]}'),
    "not CSV": (CSV, b'"'),
    "not parquet": (PARQUET, b"PAR0"),
    "another type": ("text/html", b"<p>"),
    "another charset": ("application/json; charset=latin-1", body(dataframe_split=SPLIT)),
    "a type with a stranger": ("application/json; version=1", body(dataframe_split=SPLIT)),
    "no body": (JSON, b""),
}

REQUESTS = {**PLAIN, **OTHERS}

# MLflow takes these; RFC 8259 has no such number, and ours says so.
OURS_REFUSE = {"no number in JSON"}
