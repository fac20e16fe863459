"""The prediction log: what was served, with its features and its version.

One Parquet file a flush, below one folder a task. A file appears by rename once its bytes are on
the disk, so that a reader never sees half of one, whether the process was killed or the power went.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import pandas as pd
import pyarrow as pa

from lifecycle.home import Home
from lifecycle.log_files import gather, reader, sweep, write_whole

# A canary's answer was given to its customer; what a challenger said in the shadow, to nobody.
Origin = Literal["online", "batch", "invocations", "canary", "shadow"]
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
        return tuple(
            self.write_table(group[0].task, as_table(group)) for group in by_version(predictions)
        )

    def write_table(self, task: str, table: pa.Table) -> Path:
        """Write one file: the columns of `SCHEMA`, then one column a feature."""
        return write_whole(self._folder(task), stamp(datetime.now(UTC)), table)

    def gather(self, task: str, files: Sequence[Path]) -> None:
        """Put files that were written today into one, while batches leave today's alone.

        Files of a day that is over are left to `compact`: two that gather the same files would
        each keep a copy.
        """
        now = datetime.now(UTC)
        todays = [file for file in files if file.name.startswith(f"{now:%Y%m%d}")]
        if len(todays) > 1:
            gather(self._folder(task), stamp(now), todays)

    def sweep(self) -> None:
        """Remove what writers that were killed left half written."""
        sweep(self.root)

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

    def find(self, receipt_id: str) -> tuple[Prediction, ...]:
        """The answer of a receipt, of whichever task; empty where none is logged."""
        sql = "SELECT * FROM log WHERE receipt_id = ? ORDER BY scored_at DESC LIMIT 1"
        tasks = sorted(path.name.partition("=")[2] for path in self.root.glob("task=*"))
        frames = (self._query(task, sql, [receipt_id]) for task in tasks)
        return tuple(
            as_prediction(row)
            for frame in frames
            if frame is not None
            for row in frame.to_dict(orient="records")
        )

    def scored_since(self, task: str, start: datetime) -> pd.DataFrame:
        """What was answered, or said in a shadow, at `start` or later; batches are left out.

        Returns:
            receipt_id, customer_id, version, origin and probabilities (JSON), oldest first.
        """
        sql = """
            SELECT receipt_id, customer_id, version, origin, probabilities FROM log
            WHERE scored_at >= ? AND origin <> 'batch'
            QUALIFY row_number() OVER (PARTITION BY receipt_id) = 1
            ORDER BY scored_at, receipt_id
            """
        columns = ["receipt_id", "customer_id", "version", "origin", "probabilities"]
        found = self._query(task, sql, [start])
        return pd.DataFrame(columns=columns) if found is None else found

    def compact(self, task: str, *, before: datetime) -> int:
        """Gather the files of each finished day into one; returns how many files went.

        A day is finished when it ended before `before`. The gathered file appears before the
        others go, and a receipt is read once: killed in between, nothing is lost or doubled.
        """
        days: dict[str, list[Path]] = {}
        for file in self._files(task):
            if file.name[:8] < f"{before.astimezone(UTC):%Y%m%d}":
                days.setdefault(file.name[:8], []).append(file)
        return sum(self._compact(task, day, files) for day, files in days.items() if len(files) > 1)

    def _compact(self, task: str, day: str, files: Sequence[Path]) -> int:
        try:
            gather(self._folder(task), f"{day}T000000000000", files)
        except duckdb.IOException:  # a server gathered some of them just now: next time
            return 0
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


def stamp(moment: datetime) -> str:
    """What the name of a file begins with, so that files sort by when they were written."""
    return f"{moment:%Y%m%dT%H%M%S%f}"


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
    table = pa.table({name: fixed[name] for name in COLUMNS}, schema=SCHEMA)
    for name in sorted({name for prediction in group for name in prediction.features}):
        values = [prediction.features.get(name) for prediction in group]
        table = table.append_column(name, feature_column(values))
    return table


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
