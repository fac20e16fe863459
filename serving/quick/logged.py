"""Rows that were scored without a frame, made into rows of the log when they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lifecycle.prediction_log import FeatureValue, Prediction
from lifecycle.scorer import Probabilities, names, reported
from serving.champion import Champion
from serving.sent_row import sent_row


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One request.

    Attributes:
        sent: rows as `serving.quick.rows` lets them pass: numbers, words, nothing. Names that the
            model does not know are left out.
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
        columns = names(scorer)
        return [
            sent_row(
                self.champion,
                self.at,
                prediction=prediction,
                answer=answer,
                probabilities=dict(zip(map(str, scorer.classes), line, strict=True)),
                features=dict(zip(columns, as_read(list(map(row.get, columns))), strict=True)),
            )
            for row, prediction, answer, line in zip(self.sent, shown, answers, lines, strict=True)
        ]


def as_read(values: Sequence[FeatureValue]) -> Sequence[FeatureValue]:
    """What the model reads: a whole number is a double like the others."""
    if int not in set(map(type, values)):
        return values
    return [float(value) if type(value) is int else value for value in values]
