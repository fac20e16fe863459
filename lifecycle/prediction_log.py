"""The prediction log: what was served, with its features and its version.

One Parquet file a flush, below one folder a task. A file appears by rename once its bytes are on
the disk, so that a reader never sees half of one, whether the process was killed or the power went.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from lifecycle.home import Home
from lifecycle.log_files import gather, reader, sweep, write_whole
from lifecycle.prediction import (
    COLUMNS,
    Origin,
    Prediction,
    as_prediction,
    as_table,
    by_version,
)

READ_TRIES = 3
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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

    def newest(
        self,
        task: str,
        origin: Origin,
        *,
        customers: int,
        end: datetime,
        start: datetime = EPOCH,
    ) -> pd.DataFrame:
        """The newest answer about each of the customers who were asked about last, newest first.

        Args:
            task: whose log.
            origin: of the answers.
            customers: at most so many rows.
            end: answers of later moments are left out, and those of no moment or no customer.
            start: answers of moments up to then are left out.
        """
        # Two steps: the features of a row are read only where the row is wanted.
        sql = """
            WITH each_newest AS (
                SELECT receipt_id, scored_at FROM log
                WHERE origin = ? AND customer_id IS NOT NULL
                  AND event_timestamp > ? AND event_timestamp <= ?
                QUALIFY row_number() OVER (
                    PARTITION BY customer_id ORDER BY scored_at DESC, receipt_id) = 1
            )
            SELECT * FROM log
            WHERE receipt_id IN (
                SELECT receipt_id FROM each_newest ORDER BY scored_at DESC, receipt_id LIMIT ?)
            QUALIFY row_number() OVER (PARTITION BY receipt_id ORDER BY scored_at DESC) = 1
            ORDER BY scored_at DESC, receipt_id
            """
        found = self._query(task, sql, [origin, start, end, customers])
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
        for file in self.files(task):
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
        files = self.files(task)
        if not files:
            return None
        with reader(files) as connection:
            return connection.execute(sql, values).df()

    def files(self, task: str) -> list[Path]:
        """Whole files of the task's log, by when they were written."""
        return sorted(self._folder(task).glob("*.parquet"))

    def _folder(self, task: str) -> Path:
        return self.root / f"task={task}"


def stamp(moment: datetime) -> str:
    """What the name of a file begins with, so that files sort by when they were written."""
    return f"{moment:%Y%m%dT%H%M%S%f}"
