"""What is replayed: requests that were answered, and where they are few, what would be answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

import duckdb
import numpy as np

from features.skew.request import POOL, Request, request, sample
from features.store import online
from features.tables import TTL, keys_sql, tables
from lifecycle.home import Home
from lifecycle.prediction import Origin
from lifecycle.prediction_log import PredictionLog
from training.model import Scorer

LOGGED: tuple[Origin, Origin] = ("online", "batch")


class Rival(Protocol):
    """A version as the proof needs it."""

    @property
    def number(self) -> int: ...

    @property
    def scorer(self) -> Scorer: ...


def logged(
    home: Home, task: str, as_of: datetime, most: int, draw: np.random.Generator
) -> list[Request]:
    """A sample over the customers who were asked about last, each one's newest answer.

    Half of them at least are answers of the server, as far as there are so many: a batch reads
    the offline store itself, and is the weaker witness.
    """
    log = PredictionLog(home)
    frames = {
        origin: log.newest(task, origin, customers=POOL * most, end=as_of) for origin in LOGGED
    }
    served, batch = (frames[origin] for origin in LOGGED)
    from_batch = min(len(batch), max(most // 2, most - len(served)))
    chosen = [sample(served, most - from_batch, draw), sample(batch, from_batch, draw)]
    return [request(row) for frame in chosen for row in frame.to_dict(orient="records")]


def present(
    home: Home, task: str, champion: Rival, as_of: datetime, most: int, draw: np.random.Generator
) -> list[Request]:
    """What the champion would answer now, from the online store, about a sample of customers.

    Of whom the online store knows nothing, or only what is too old, the server would say so and
    not guess: they are left out.
    """
    known = recent(home, as_of)
    people = [known[i] for i in np.sort(draw.permutation(len(known))[:most])]
    rows = [row for row in online(home, task, people, now=as_of) if row.status == "found"]
    if not rows:
        return []
    now, scorer = datetime.now(UTC), champion.scorer
    given = [row.values for row in rows]
    answers = scorer.score_rows(given)
    return [
        Request(
            customer_id=row.customer_id,
            at=row.event_timestamp or as_of,
            answered_at=now,
            version=champion.number,
            logged=False,
            vector=vector,
            scores=scores(scorer, answer),
        )
        for row, vector, answer in zip(rows, given, answers, strict=True)
    ]


def recent(home: Home, as_of: datetime) -> Sequence[str]:
    """Customers with features of a moment that is young enough to be served, by id."""
    first, _ = tables(home, home.dataset())
    keys = keys_sql(
        first.parts(), f"event_timestamp > '{as_of - TTL}' AND event_timestamp <= '{as_of}'"
    )
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        rows = db.execute(f"SELECT DISTINCT customer_id FROM ({keys}) ORDER BY 1").fetchall()
    return [who for (who,) in rows]


def scores(scorer: Scorer, probabilities: np.ndarray) -> dict[str, float]:
    """One row of probabilities as a `Request` has it."""
    by_class = dict(zip(scorer.classes, map(float, probabilities), strict=True))
    binary = scorer.kind == "binary"
    return {**by_class, "prediction": float(probabilities[1] if binary else probabilities.max())}
