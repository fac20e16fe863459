"""A row of the prediction log: one answer, as a value, as a table's row, and back."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

# A canary's answer was given to its customer; what a challenger said in the shadow, to nobody.
Origin = Literal["online", "batch", "invocations", "canary", "shadow"]
FeatureValue = float | str | bool | None

# Names of the log itself; a feature may not take one of them.
COLUMNS = (
    "receipt_id", "task", "version", "customer_id", "event_timestamp", "scored_at", "origin",
    "prediction", "answer", "probabilities",
)  # fmt: skip


class Named(Mapping[str, FeatureValue]):
    """Cells under names that many rows share: a row costs no dictionary, a table no look-ups.

    Args:
        places: name → its place among the cells; rows of one kind hold the very same.
        cells: the values.

    Raises:
        ValueError: there are more or fewer values than names.
    """

    __slots__ = ("cells", "places")

    def __init__(self, places: Mapping[str, int], cells: Sequence[FeatureValue]) -> None:
        if len(places) != len(cells):
            raise ValueError(f"{len(places)} names have {len(cells)} values.")
        self.places, self.cells = places, cells

    def __getitem__(self, name: str) -> FeatureValue:
        return self.cells[self.places[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def cells_of(
    rows: Sequence[Mapping[str, FeatureValue]], order: Sequence[str]
) -> list[Sequence[FeatureValue]] | None:
    """Their cells, where all rows hold the very same names and these stand in this order."""
    first = rows[0] if rows else None
    if not isinstance(first, Named) or list(first.places) != list(order):
        return None
    found = [row.cells for row in rows if isinstance(row, Named) and row.places is first.places]
    return found if len(found) == len(rows) else None


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One answer.

    Attributes:
        customer_id: None where feature rows were sent without a customer.
        event_timestamp: the moment whose features were used; None where the caller sent rows.
        prediction: probability of the positive class (binary) or of the answer (multiclass).
        answer: the decision in words: `yes`/`no`, or the class ranked first.
        probabilities: class → probability.
        features: the values that went into the model, by name.
    """

    receipt_id: str
    task: str
    version: int
    customer_id: str | None
    event_timestamp: datetime | None
    scored_at: datetime
    origin: Origin
    prediction: float
    answer: str
    probabilities: Mapping[str, float]
    features: Mapping[str, FeatureValue]


SCHEMA = pa.schema(
    [
        ("receipt_id", pa.string()),
        ("task", pa.string()),
        ("version", pa.int64()),
        ("customer_id", pa.string()),
        ("event_timestamp", pa.timestamp("us", tz="UTC")),
        ("scored_at", pa.timestamp("us", tz="UTC")),
        ("origin", pa.string()),
        ("prediction", pa.float64()),
        ("answer", pa.string()),
        ("probabilities", pa.string()),
    ]
)


def by_version(predictions: Sequence[Prediction]) -> Sequence[Sequence[Prediction]]:
    """The predictions apart by task and version, as files hold them."""
    groups: dict[tuple[str, int], list[Prediction]] = {}
    for prediction in predictions:
        groups.setdefault((prediction.task, prediction.version), []).append(prediction)
    return tuple(groups.values())


def as_table(group: Sequence[Prediction]) -> pa.Table:
    """Columns of the log, then one column a feature."""
    fixed = {
        name: [getattr(prediction, name) for prediction in group]
        for name in COLUMNS
        if name != "probabilities"
    }
    fixed["probabilities"] = [json.dumps(dict(p.probabilities)) for p in group]
    columns = by_feature([prediction.features for prediction in group])
    arrays = [pa.array(fixed[field.name], field.type) for field in SCHEMA]
    arrays += [feature_column(columns[name]) for name in sorted(columns)]
    return pa.table(arrays, names=[*SCHEMA.names, *sorted(columns)])


def by_feature(rows: Sequence[Mapping[str, FeatureValue]]) -> dict[str, Sequence[FeatureValue]]:
    """Feature → its value in each row; None where a row lacks it."""
    first = list(rows[0])
    if alike := cells_of(rows, first):
        return dict(zip(first, zip(*alike, strict=True), strict=True))
    names = {name for row in rows for name in row}
    return {name: [row.get(name) for row in rows] for name in names}


def as_prediction(row: Mapping[Hashable, Any]) -> Prediction:
    """A row of the log as it was written; features that its file lacked are None."""
    fixed = {name: row[name] for name in COLUMNS}
    moment = fixed["event_timestamp"]
    fixed |= {
        "version": int(fixed["version"]),
        "customer_id": None if pd.isna(fixed["customer_id"]) else fixed["customer_id"],
        "event_timestamp": None if pd.isna(moment) else moment.to_pydatetime().astimezone(UTC),
        "scored_at": fixed["scored_at"].to_pydatetime().astimezone(UTC),
        "probabilities": json.loads(fixed["probabilities"]),
    }
    features = {str(k): None if pd.isna(v) else v for k, v in row.items() if k not in COLUMNS}
    return Prediction(**fixed, features=features)


def feature_column(values: Sequence[FeatureValue]) -> pa.Array:
    """Text for categories, double for the rest, whatever the window holds."""
    for kind in (pa.float64(), pa.string()):  # nearly always one of the two, and a fifth quicker
        try:
            return pa.array(values, kind)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            continue
    if feature_type(values) == pa.string():
        return pa.array([None if v is None else str(v) for v in values], pa.string())
    return pa.array([None if v is None else float(v) for v in values], pa.float64())


def feature_type(values: Sequence[FeatureValue]) -> pa.DataType:
    """One type a column, whatever the window holds: text for categories, double for the rest."""
    return pa.string() if any(isinstance(value, str) for value in values) else pa.float64()
