"""Customer ids in, answers out: features from the online store, probabilities from the champion."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from features.online_row import OnlineRow
from lifecycle.errors import DataError
from lifecycle.prediction import FeatureValue, Origin, Prediction, cells_of
from lifecycle.scorer import Probabilities, Scorer, by_class, names, reported, without_names
from serving.champion import Champion
from serving.features import refuse_missing
from serving.log_writer import Answered, LogWriter

Status = Literal["scored", "unknown", "stale"]


class Lookup(Protocol):
    """Features by customer: `features.store.online` of a home."""

    def __call__(
        self, service: str, customer_ids: Sequence[str], *, now: datetime
    ) -> Sequence[OnlineRow]:
        """One row a customer, in the order asked; rows too old at `now` are stale."""
        ...


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What we can say of one customer; everything but the reason is None where we cannot.

    Attributes:
        probability: of `yes` (binary) or of the answer (multiclass).
        probabilities: class → probability, the likeliest first.
        event_timestamp: the moment whose features were used.
        receipt_id: the row of the prediction log.
        features: what the version was asked with, in its order; not told to the caller.
        reasons: what weighs most in the answer, heaviest first; None where nobody asked for it
            or it could not be worked out.
        by: the version that answered; of the answers to one question not all need have the same,
            while a canary runs.
    """

    customer_id: str
    status: Status
    reason: str | None = None
    probability: float | None = None
    answer: str | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    event_timestamp: datetime | None = None
    age_seconds: float | None = None
    receipt_id: str | None = None
    features: Mapping[str, FeatureValue] = field(default_factory=dict)
    reasons: Sequence[Mapping[str, Any]] | None = None
    by: Champion | None = None

    def body(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "customer_id": self.customer_id,
            "status": self.status,
            "reason": self.reason,
            "version": self.by.version if self.by else None,
            "probability": self.probability,
            "answer": self.answer,
            "ranked": [{"class": k, "probability": p} for k, p in self.probabilities.items()],
            "event_timestamp": self.event_timestamp and self.event_timestamp.isoformat(),
            "age_seconds": self.age_seconds,
            "receipt_id": self.receipt_id,
            "reasons": self.reasons,
        }


SILENCE = {
    "unknown": "The online store has no features of this customer.",
    "stale": "The customer's features are older than their time to live.",
}


def answer(
    champion: Champion,
    rows: Sequence[OnlineRow],
    now: datetime,
    log: LogWriter,
    origin: Origin = "online",
) -> tuple[Answer, ...]:
    """Answer for each row, in order, and log what was answered.

    Raises:
        NotReady: the online store lacks a feature that the model was trained on.
        DataError: the model answers with what is no number.
    """
    found = [row for row in rows if row.status == "found"]
    scored = iter(score(champion, found, origin))
    answers, logged = [], []
    for row in rows:
        if row.status != "found":
            answers.append(replace(silent(row, now), by=champion))
            continue
        prediction = next(scored)
        logged.append(prediction)
        answers.append(replace(spoken(prediction, now), by=champion))
    if logged:
        log.put(Answered(tuple(logged)))
    return tuple(answers)


def score(
    champion: Champion, rows: Sequence[OnlineRow], origin: Origin = "online"
) -> list[Prediction]:
    """Rows of the prediction log for customers whose features are there.

    Raises:
        NotReady: the online store lacks a feature that the model was trained on.
        DataError: the model answers with what is no number.
    """
    if not rows:
        return []
    wanted = names(champion.scorer)
    refuse_missing(champion, rows[0].values)
    vectors = [row.values for row in rows]
    if list(vectors[0]) != wanted:
        vectors = [{name: row.values[name] for name in wanted} for row in rows]
    whose = [Whose(secrets.token_hex(12), row.customer_id, row.event_timestamp) for row in rows]
    return predictions(champion, whose, vectors, origin)


class Whose(NamedTuple):
    """Whose row of the log it is."""

    receipt_id: str
    customer_id: str | None
    event_timestamp: datetime | None


def predictions(
    champion: Champion,
    whose: Sequence[Whose],
    vectors: Sequence[Mapping[str, FeatureValue]],
    origin: Origin,
) -> list[Prediction]:
    """Rows of the prediction log: what the version says to each vector.

    Raises:
        DataError: the model answers with what is no number.
    """
    scorer = champion.scorer
    probabilities = finite(champion, scored(scorer, vectors))
    now = datetime.now(UTC)
    return [
        Prediction(
            **one._asdict(),
            task=champion.task,
            version=champion.version,
            scored_at=now,
            origin=origin,
            prediction=float(prediction),
            answer=words,
            probabilities=by_class(scorer, line),
            features=vector,
        )
        for one, vector, line, prediction, words in zip(
            whose,
            vectors,
            probabilities,
            reported(scorer, probabilities),
            scorer.answers(probabilities),
            strict=True,
        )
    ]


def scored(scorer: Scorer, vectors: Sequence[Mapping[str, FeatureValue]]) -> Probabilities:
    """Scores of shape (rows, classes), without names where the values stand in order anyway."""
    cells, score_cells = cells_of(vectors, names(scorer)), without_names(scorer)
    if cells is None or score_cells is None:
        return scorer.score_rows(vectors)
    return score_cells(cells)


def finite(champion: Champion, probabilities: Probabilities) -> Probabilities:
    """The probabilities, if JSON and a customer can do something with them.

    Raises:
        DataError: one is no number.
    """
    if not np.isfinite(probabilities).all():
        raise DataError(
            f"Version {champion.version} of {champion.task} gave an answer that is no number.",
            do=f"Put another in its place: `onramp rollback {champion.task}`.",
        )
    return probabilities


def spoken(prediction: Prediction, now: datetime) -> Answer:
    """The answer that the caller gets for a row of the log."""
    return Answer(
        customer_id=str(prediction.customer_id),
        status="scored",
        probability=prediction.prediction,
        answer=prediction.answer,
        probabilities=prediction.probabilities,
        event_timestamp=prediction.event_timestamp,
        age_seconds=age(prediction.event_timestamp, now),
        receipt_id=prediction.receipt_id,
        features=prediction.features,
    )


def silent(row: OnlineRow, now: datetime) -> Answer:
    """The answer where we have nothing to go by."""
    return Answer(
        customer_id=row.customer_id,
        status="stale" if row.status == "stale" else "unknown",
        reason=SILENCE[row.status],
        event_timestamp=row.event_timestamp,
        age_seconds=age(row.event_timestamp, now),
    )


def givers(answers: Sequence[Answer], champion: Champion) -> list[tuple[Champion, list[Answer]]]:
    """Each version that scored some of the answers, and which; `champion` where none is named."""
    found: dict[int, tuple[Champion, list[Answer]]] = {}
    for one in answers:
        by = one.by or champion
        if one.status == "scored":
            found.setdefault(by.version, (by, []))[1].append(one)
    return list(found.values())


def age(moment: datetime | None, now: datetime) -> float | None:
    """Seconds from the features' moment to now, on the data set's clock."""
    return None if moment is None else max(0.0, (now - moment).total_seconds())
