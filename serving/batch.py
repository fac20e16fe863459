"""Batch scoring: every customer whose moment fell due since the last time, once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from features.built import built as are_built
from features.moments import moments
from features.store import definitions, historical
from lifecycle import prediction
from lifecycle.home import Home
from lifecycle.prediction_log import PredictionLog
from lifecycle.progress import Progress, silent
from lifecycle.registry import Registry
from lifecycle.scorer import by_class, names, reported
from lifecycle.task import Task
from serving.champion import Champion, load
from serving.features import refuse_changed, refuse_missing

CHUNK_ROWS = 50_000
KEYS = ["customer_id", "event_timestamp"]


@dataclass(frozen=True, kw_only=True)
class ScoreReport:
    """What a batch did.

    Attributes:
        since: moments after this one were looked at.
        due: moments that fell due in (since, as_of].
        known: of these, how many an earlier batch had scored.
        unbuilt: how many have no features yet; the next batch takes them.
        scored: how many were scored now.
        answers: answer → how many of those scored now.
    """

    task: str
    version: int
    as_of: datetime
    since: datetime
    due: int
    known: int
    unbuilt: int
    scored: int
    answers: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """For people."""
        given = ", ".join(f"{word} {n:,}" for word, n in self.answers.items())
        said = [
            f"{self.task}: {self.scored:,} moments scored by version {self.version}"
            + (f" ({given})" if given else "")
            + f"; {self.known:,} were scored before."
        ]
        if self.unbuilt:
            said.append(
                f"{self.task}: {self.unbuilt:,} moments have no features yet. "
                "Run `onramp features`, then this again."
            )
        return said


def score(
    home: Home,
    task: Task,
    *,
    as_of: datetime,
    since: datetime | None = None,
    progress: Progress = silent,
) -> ScoreReport:
    """Score the moments that fell due in (since, as_of] and that no batch has scored.

    What was scored is read from the prediction log itself: doing it again adds nothing, and
    what a kill left undone is done by the next run.

    Args:
        home: whose champion scores.
        task: adapted to the home's data set.
        as_of: nothing received later exists for us.
        since: default: one monitoring window before the newest moment of an earlier batch, so
            that customers we hear of late are scored too; before `as_of` when there is none.
        progress: advanced by moments.

    Raises:
        NotReady: no champion, or today's features are not those that it learned.
    """
    began = time.monotonic()
    registry, log = Registry(home), PredictionLog(home)
    champion = load(registry, registry.champion(task.name))
    refuse_changed(champion, definitions(home, task.name))
    as_of = as_of.astimezone(UTC)
    start = since.astimezone(UTC) if since else default_start(log, task, as_of)
    due = moments(home, task, as_of)[KEYS]
    due = due[due["event_timestamp"] > start]
    todo, built = sort_out(home, due, log.moments(task.name, start))
    answers: dict[str, int] = {}
    with progress(f"score: {task.name}", len(built)) as advance:
        for table in scored(home, champion, built):
            log.write_table(task.name, table)
            for word in table["answer"].to_pylist():
                answers[word] = answers.get(word, 0) + 1
            advance(table.num_rows)
    log.compact(task.name, before=datetime.now(UTC))
    return ScoreReport(
        task=task.name,
        version=champion.version,
        as_of=as_of,
        since=start,
        due=len(due),
        known=len(due) - len(todo),
        unbuilt=len(todo) - len(built),
        scored=len(built),
        answers=dict(sorted(answers.items(), key=lambda pair: -pair[1])),
        seconds=time.monotonic() - began,
    )


def default_start(log: PredictionLog, task: Task, as_of: datetime) -> datetime:
    """One window before the newest moment that a batch scored, or before `as_of`."""
    window = timedelta(days=task.monitor.window_days)
    newest = log.newest_moment(task.name)
    return min(newest or as_of, as_of) - window


def sort_out(
    home: Home, due: pd.DataFrame, known: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The due moments that no batch has scored, and of these the ones whose features are built.

    Feast would hand a moment that is not built the vector of an earlier one.
    """
    with duckdb.connect() as db:
        db.register("due", naive(due))
        db.register("known", naive(known))
        new = db.execute(
            "SELECT n FROM due ANTI JOIN known USING (customer_id, moment) ORDER BY n"
        ).df()["n"]
    todo = due.iloc[new]
    return todo, todo[are_built(home, todo)]


def naive(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbered keys in naive UTC, as SQL compares them."""
    moment = frame["event_timestamp"].dt.tz_convert("UTC").dt.tz_localize(None)
    return pd.DataFrame(
        {"n": np.arange(len(frame)), "customer_id": frame["customer_id"], "moment": moment}
    )


def scored(home: Home, champion: Champion, built: pd.DataFrame) -> Iterator[pa.Table]:
    """Rows of the prediction log, chunk by chunk, so that memory stays bounded."""
    for first in range(0, len(built), CHUNK_ROWS):
        entities = built.iloc[first : first + CHUNK_ROWS].reset_index(drop=True)
        yield score_chunk(champion, historical(home, champion.task, entities))


def score_chunk(champion: Champion, vectors: pa.Table) -> pa.Table:
    """Score a table of keys and features."""
    scorer, columns = champion.scorer, names(champion.scorer)
    refuse_missing(champion, vectors.column_names)
    features = vectors.select(columns)
    probabilities = scorer.score(features.to_pandas())
    rows = vectors.num_rows
    moments_us = vectors["event_timestamp"].cast(pa.timestamp("us", tz="UTC"))
    fixed = {
        "receipt_id": receipts(champion, vectors["customer_id"], moments_us),
        "task": [champion.task] * rows,
        "version": [champion.version] * rows,
        "customer_id": vectors["customer_id"],
        "event_timestamp": moments_us,
        "scored_at": [datetime.now(UTC)] * rows,
        "origin": ["batch"] * rows,
        "prediction": np.asarray(reported(scorer, probabilities)),
        "answer": scorer.answers(probabilities),
        "probabilities": [json.dumps(by_class(scorer, line)) for line in probabilities],
    }
    table = pa.table(fixed, schema=prediction.SCHEMA)
    for name in columns:
        table = table.append_column(name, features[name])
    return table


def receipts(champion: Champion, customers: pa.ChunkedArray, when: pa.ChunkedArray) -> list[str]:
    """The same moment scored by the same version has the same receipt."""
    return [
        blake2b(
            f"{champion.task}\x1f{champion.version}\x1f{customer}\x1f{moment}".encode(),
            digest_size=12,
        ).hexdigest()
        for customer, moment in zip(
            customers.to_pylist(), when.cast(pa.int64()).to_pylist(), strict=True
        )
    ]
