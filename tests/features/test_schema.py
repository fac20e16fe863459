from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from dataframely.exc import SchemaError

from features.schema import broken, customers_schema, events_schema
from lifecycle.dataset import DataSet
from tests.features.canonical import START

TIME = pa.timestamp("us")
NAIVE = START.replace(tzinfo=None)
LATER = NAIVE + timedelta(hours=1)


def events(*rows: dict[str, Any]) -> pa.Table:
    """Events that are right, but for what each row names."""
    sound = {
        "event_id": "e", "customer_id": "c", "event": "login", "occurred_at": NAIVE,
        "received_at": LATER, "session_id": None, "item": None, "value": 1.0,
    }  # fmt: skip
    schema = pa.schema(
        [(n, TIME if n.endswith("_at") else pa.string()) for n in sound if n != "value"]
    ).append(pa.field("value", pa.float64()))
    return pa.Table.from_pylist([sound | row for row in rows], schema=schema)


def test_an_event_names_every_rule_that_it_breaks(toy: DataSet) -> None:
    """Missing keys, unknown words, times in the wrong order and infinite values are told apart."""
    wrong = {"event": "logout", "customer_id": None, "value": float("-inf")}
    early = {"occurred_at": LATER + timedelta(days=1)}
    found = broken(events({}, wrong, early), events_schema(toy))
    assert found.rows.to_list() == [1, 2]
    assert found.reasons.to_list() == [
        "customer_id is missing; event is not in the vocabulary; value is not finite; ",
        "occurred_at is after received_at; ",
    ]


def test_sound_events_break_nothing(toy: DataSet) -> None:
    """A missing property is no fault, and an id may come twice in what is checked by parts."""
    found = broken(events({}, {"value": None}), events_schema(toy))
    assert (len(found.rows), len(found.reasons), found.doubled) == (0, 0, 0)


def test_a_column_may_be_named_like_a_method() -> None:
    """A data set's own words never hide what a schema can do."""
    column = {"type": "number", "meaning": "it", "at_most": 3}
    words = {"filter": column, "columns": column, "_hidden": column}
    dataset = DataSet.model_validate(
        {"name": "odd", "title": "", "source": "", "vocabulary": {"events": ["x"]},
         "profile": words}
    )  # fmt: skip
    row = {"customer_id": "c", "signed_up_at": NAIVE, "received_at": NAIVE}
    rows = pa.Table.from_pylist([row | dict.fromkeys(words, 4.0)])
    found = broken(rows, customers_schema(dataset))
    assert found.reasons.to_list() == ["filter above 3; columns above 3; _hidden above 3; "]


def test_another_type_is_no_row_of_the_table(toy: DataSet) -> None:
    """A column that is missing or of another type is an error of the whole table."""
    with pytest.raises(SchemaError, match="missing columns"):
        broken(events({}).drop_columns(["item"]), events_schema(toy))
