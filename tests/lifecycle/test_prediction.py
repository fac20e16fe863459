"""lifecycle.prediction: a row under shared names is the row that a dictionary would be."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from lifecycle.prediction import FeatureValue, Named, Prediction, as_table

AT = datetime(2026, 3, 1, tzinfo=UTC)
PLACES = {"visits": 0, "country": 1, "age": 2}
number = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
cells = st.tuples(number, st.none() | st.text(), number)


def row(features: Named | dict[str, FeatureValue]) -> Prediction:
    return Prediction(
        receipt_id="r", task="churn", version=1, customer_id=None, event_timestamp=None,
        scored_at=AT, origin="invocations", prediction=0.5, answer="no", probabilities={},
        features=features,
    )  # fmt: skip


@given(st.lists(cells, min_size=1, max_size=6))
def test_shared_names_make_the_table_of_dictionaries(rows: list[tuple[FeatureValue, ...]]) -> None:
    """Cell by cell, with the same types; whole numbers in a column of numbers are doubles."""
    named = [Named(PLACES, one) for one in rows]
    plain = [dict(zip(PLACES, one, strict=True)) for one in rows]
    assert named == plain
    table = as_table([row(one) for one in named])
    assert table.equals(as_table([row(one) for one in plain]))
    assert table.column_names[-3:] == sorted(PLACES)


def test_rows_of_two_kinds_share_a_table() -> None:
    """What one of them lacks is nothing there."""
    rows = [row(Named(PLACES, (1.0, "DE", 2))), row(Named({"visits": 0}, (3.0,))), row({"age": 7})]
    found = as_table(rows).select(["visits", "country", "age"]).to_pydict()
    assert found == {
        "visits": [1.0, 3.0, None], "country": ["DE", None, None], "age": [2.0, None, 7.0]
    }  # fmt: skip
