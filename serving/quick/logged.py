"""Rows that were scored without a frame, made into rows of the log when they are written."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lifecycle.prediction_log import FeatureValue, Prediction
from lifecycle.scorer import Probabilities, reported
from serving.champion import Champion


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One request.

    Attributes:
        sent: rows of plain values by name; names that the model does not know are left out.
        probabilities: (rows, classes).
    """

    champion: Champion
    sent: Sequence[Mapping[str, FeatureValue]]
    probabilities: Probabilities
    at: datetime

    @property
    def rows(self) -> int:
        return len(self.sent)

    def predictions(self) -> Sequence[Prediction]:
        scorer = self.champion.scorer
        answers = scorer.answers(self.probabilities)
        shown = reported(scorer, self.probabilities).tolist()
        lines = self.probabilities.tolist()
        return [
            Prediction(
                receipt_id=secrets.token_hex(12),
                task=self.champion.task,
                version=self.champion.version,
                customer_id=None,
                event_timestamp=None,
                scored_at=self.at,
                origin="invocations",
                prediction=prediction,
                answer=answer,
                probabilities=dict(zip(map(str, scorer.classes), line, strict=True)),
                features={name: taken(kind, row.get(name)) for name, kind in scorer.features},
            )
            for row, prediction, answer, line in zip(self.sent, shown, answers, lines, strict=True)
        ]


def taken(kind: str, value: Any) -> FeatureValue:
    """What the caller sent, as the model reads it: a number, a word, or nothing."""
    return number(value) if kind == "number" else word(value)


def number(value: Any) -> float | None:
    """A finite number, or nothing."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def word(value: Any) -> str | None:
    return value if isinstance(value, str) else None
