"""The prediction log: what was served, with its features and its version.

One Parquet file a flush, below one folder a task. A file appears by rename, so that a reader
never sees half of one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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

READ_TRIES = 3

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


class PredictionLog:
    def __init__(self, home: Home) -> None:
        self.root = home.predictions

    def write(self, predictions: Sequence[Prediction]) -> tuple[Path, ...]:
        """Write one file for each (task, version) among the predictions; returns the files."""
        groups: dict[tuple[str, int], list[Prediction]] = {}
        for prediction in predictions:
            groups.setdefault((prediction.task, prediction.version), []).append(prediction)
        return tuple(self.write_table(task, as_table(group)) for (task, _), group in groups.items())

    def write_table(self, task: str, table: pa.Table) -> Path:
        """Write one file: the columns of `SCHEMA`, then one column a feature."""
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}.parquet"
        path = self._folder(task) / name
        unfinished = path.with_suffix(".unfinished")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            pq.write_table(table, unfinished)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return path

    def read(
        self, task: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> pd.DataFrame:
        """The task's predictions with `start < event_timestamp <= end`, by event timestamp.

        The moment decides and not the time of scoring: a window is about customers, and a batch
        that runs late still belongs to the day whose features it used. Rows that were sent
        without a customer have no moment; theirs is the time of scoring. Scoring the same
        customer, moment and version again by batch replaces the earlier row. A receipt is read
        once, however many files hold it.
        """
        sql = """
            SELECT * FROM log
            WHERE coalesce(event_timestamp, scored_at) > coalesce(?, '-infinity'::TIMESTAMPTZ)
              AND coalesce(event_timestamp, scored_at) <= coalesce(?, 'infinity'::TIMESTAMPTZ)
            QUALIFY row_number() OVER (
                PARTITION BY version, origin,
                    CASE WHEN origin = 'batch' THEN customer_id ELSE receipt_id END,
                    CASE WHEN origin = 'batch' THEN event_timestamp END
                ORDER BY scored_at DESC, receipt_id) = 1
            ORDER BY coalesce(event_timestamp, scored_at), receipt_id
            """
        found = self._query(task, sql, [start, end])
        return pd.DataFrame(columns=list(COLUMNS)) if found is None else found

    def moments(self, task: str, start: datetime) -> pd.DataFrame:
        """What batches have scored after `start`: customer_id, event_timestamp, each once."""
        sql = """
            SELECT DISTINCT customer_id, event_timestamp FROM log
            WHERE origin = 'batch' AND event_timestamp > ?
            ORDER BY event_timestamp, customer_id
            """
        found = self._query(task, sql, [start])
        if found is None:
            none = pd.DatetimeIndex([], dtype="datetime64[us, UTC]")
            return pd.DataFrame({"customer_id": pd.Series(dtype=object), "event_timestamp": none})
        return found

    def newest_moment(self, task: str) -> datetime | None:
        """The newest moment that a batch scored; None before the first."""
        sql = "SELECT max(event_timestamp) AS newest FROM log WHERE origin = 'batch'"
        found = self._query(task, sql, [])
        if found is None or pd.isna(found["newest"].iloc[0]):
            return None
        newest: datetime = found["newest"].iloc[0].to_pydatetime().astimezone(UTC)
        return newest

    def newest(self, task: str, origin: Origin, *, customers: int, end: datetime) -> pd.DataFrame:
        """The newest answer about each of the customers who were asked about last, newest first.

        Args:
            task: whose log.
            origin: of the answers.
            customers: at most so many rows.
            end: answers of later moments are left out, and those of no moment or no customer.
        """
        # Two steps: the features of a row are read only where the row is wanted.
        sql = """
            WITH each_newest AS (
                SELECT receipt_id, scored_at FROM log
                WHERE origin = ? AND customer_id IS NOT NULL AND event_timestamp <= ?
                QUALIFY row_number() OVER (
                    PARTITION BY customer_id ORDER BY scored_at DESC, receipt_id) = 1
            )
            SELECT * FROM log
            WHERE receipt_id IN (
                SELECT receipt_id FROM each_newest ORDER BY scored_at DESC, receipt_id LIMIT ?)
            QUALIFY row_number() OVER (PARTITION BY receipt_id ORDER BY scored_at DESC) = 1
            ORDER BY scored_at DESC, receipt_id
            """
        found = self._query(task, sql, [origin, end, customers])
        return pd.DataFrame(columns=list(COLUMNS)) if found is None else found

    def compact(self, task: str, *, before: datetime) -> int:
        """Gather the files of each finished day into one; returns how many files went.

        A day is finished when it ended before `before`. The gathered file appears before the
        others go, and a receipt is read once: killed in between, nothing is lost or doubled.
        """
        days: dict[str, list[Path]] = {}
        for file in self._files(task):
            if file.name[:8] < f"{before.astimezone(UTC):%Y%m%d}":
                days.setdefault(file.name[:8], []).append(file)
        return sum(self._gather(task, day, files) for day, files in days.items() if len(files) > 1)

    def _gather(self, task: str, day: str, files: Sequence[Path]) -> int:
        whole = self._folder(task) / f"{day}T000000000000-{uuid.uuid4().hex[:8]}.parquet"
        unfinished = whole.with_suffix(".unfinished")
        sql = "SELECT * FROM log QUALIFY row_number() OVER (PARTITION BY receipt_id) = 1"
        try:
            with reader(files) as connection:
                connection.execute(
                    f"COPY ({sql} ORDER BY scored_at, receipt_id) TO {literal(str(unfinished))} "
                    "(FORMAT parquet)"
                )
            unfinished.replace(whole)
        finally:
            unfinished.unlink(missing_ok=True)
        for file in files:
            file.unlink(missing_ok=True)
        return len(files)

    def _query(self, task: str, sql: str, values: Sequence[object]) -> pd.DataFrame | None:
        """The query's rows over the view `log`; None when nothing was ever logged."""
        for _ in range(READ_TRIES - 1):
            try:
                return self._query_once(task, sql, values)
            except duckdb.IOException:  # a file went between listing and reading: see `compact`
                continue
        return self._query_once(task, sql, values)

    def _query_once(self, task: str, sql: str, values: Sequence[object]) -> pd.DataFrame | None:
        files = self._files(task)
        if not files:
            return None
        with reader(files) as connection:
            return connection.execute(sql, values).df()

    def _files(self, task: str) -> list[Path]:
        return sorted(self._folder(task).glob("*.parquet"))

    def _folder(self, task: str) -> Path:
        return self.root / f"task={task}"


@contextmanager
def reader(files: Sequence[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the files as one view `log`; features that a file lacks are null."""
    listed = ", ".join(literal(str(file)) for file in files)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        connection.execute(
            f"CREATE VIEW log AS SELECT * FROM read_parquet([{listed}], union_by_name = true,"
            " hive_partitioning = false)"
        )
        yield connection


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
        table = table.append_column(name, feature_column(values))
    return table


def feature_column(values: Sequence[FeatureValue]) -> pa.Array:
    """Text for categories, double for the rest, whatever the window holds."""
    if feature_type(values) == pa.string():
        return pa.array([None if v is None else str(v) for v in values], pa.string())
    return pa.array([None if v is None else float(v) for v in values], pa.float64())


def feature_type(values: Sequence[FeatureValue]) -> pa.DataType:
    """One type a column, whatever the window holds: text for categories, double for the rest."""
    return pa.string() if any(isinstance(value, str) for value in values) else pa.float64()
