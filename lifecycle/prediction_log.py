"""The prediction log: what was served, with its features and its version.

One Parquet file a flush, below one folder a task. A file appears by rename, so that a reader
never sees half of one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.home import Home
from lifecycle.sql import literal

Origin = Literal["online", "batch", "invocations"]
FeatureValue = float | str | bool | None

# Names of the log itself; a feature may not take one of them.
COLUMNS = (
    "receipt_id", "task", "version", "customer_id", "event_timestamp", "scored_at", "origin",
    "prediction", "answer", "probabilities",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One answer.

    Attributes:
        customer_id: None where feature rows were sent without a customer.
        event_timestamp: the moment whose features were used; None where the caller sent rows.
        prediction: probability of the positive class (binary) or of the answer (multiclass).
        answer: the decision in words: `churn`/`stay`, or the class ranked first.
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


class PredictionLog:
    def __init__(self, home: Home) -> None:
        self.root = home.predictions

    def write(self, predictions: Sequence[Prediction]) -> tuple[Path, ...]:
        """Write one file for each (task, version) among the predictions; returns the files."""
        groups: dict[tuple[str, int], list[Prediction]] = {}
        for prediction in predictions:
            groups.setdefault((prediction.task, prediction.version), []).append(prediction)
        return tuple(self._write_one(task, group) for (task, _), group in groups.items())

    def _write_one(self, task: str, group: Sequence[Prediction]) -> Path:
        folder = self.root / f"task={task}"
        folder.mkdir(parents=True, exist_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        path = folder / f"{stamp}-{uuid.uuid4().hex[:8]}.parquet"
        unfinished = path.with_suffix(".unfinished")
        pq.write_table(as_table(group), unfinished)
        unfinished.replace(path)
        return path

    def read(
        self, task: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> pd.DataFrame:
        """The task's predictions with `start < event_timestamp <= end`, by event timestamp.

        The moment decides and not the time of scoring: a window is about customers, and a batch
        that runs late still belongs to the day whose features it used. Rows that were sent
        without a customer have no moment; theirs is the time of scoring. Scoring the same
        customer, moment and version again by batch replaces the earlier row.
        """
        files = sorted((self.root / f"task={task}").glob("*.parquet"))
        if not files:
            return pd.DataFrame(columns=list(COLUMNS))
        listed = ", ".join(literal(str(file)) for file in files)
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(
                f"""
                SELECT * FROM read_parquet([{listed}], union_by_name = true,
                                           hive_partitioning = false)
                WHERE coalesce(event_timestamp, scored_at) > coalesce(?, '-infinity'::TIMESTAMPTZ)
                  AND coalesce(event_timestamp, scored_at) <= coalesce(?, 'infinity'::TIMESTAMPTZ)
                QUALIFY origin <> 'batch' OR row_number() OVER (
                    PARTITION BY customer_id, event_timestamp, version, origin
                    ORDER BY scored_at DESC, receipt_id) = 1
                ORDER BY coalesce(event_timestamp, scored_at), receipt_id
                """,
                [start, end],
            ).df()


def as_table(group: Sequence[Prediction]) -> pa.Table:
    """Columns of the log, then one column a feature."""
    fixed = {
        name: [getattr(prediction, name) for prediction in group]
        for name in COLUMNS
        if name != "probabilities"
    }
    fixed["probabilities"] = [json.dumps(dict(p.probabilities)) for p in group]
    table = pa.table({name: fixed[name] for name in COLUMNS}, schema=SCHEMA)
    for name in sorted({name for prediction in group for name in prediction.features}):
        values = [prediction.features.get(name) for prediction in group]
        table = table.append_column(name, pa.array(values, feature_type(values)))
    return table


def feature_type(values: Sequence[FeatureValue]) -> pa.DataType:
    """One type a column, whatever the window holds: text for categories, double for the rest."""
    return pa.string() if any(isinstance(value, str) for value in values) else pa.float64()
