"""Rows that were scored without a frame, made into rows of the log when they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lifecycle.prediction import Named, Prediction
from serving.champion import Champion
from serving.quick.rows import Cells
from serving.quick.spelt import Told
from serving.sent_row import sent_row


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """One request.

    Attributes:
        cells: as `serving.quick.rows` lets them pass: numbers, words, nothing, in the order of the
            model's features.
        places: feature → its place among the cells.
        told: what was answered.
    """

    champion: Champion
    cells: Cells
    places: Mapping[str, int]
    told: Told
    at: datetime

    @property
    def rows(self) -> int:
        return len(self.cells)

    def predictions(self) -> Sequence[Prediction]:
        told, classes = self.told, list(map(str, self.champion.scorer.classes))
        each = zip(self.cells, told.shown, told.answers, told.probabilities.tolist(), strict=True)
        return [
            sent_row(
                self.champion, self.at, prediction=prediction, answer=answer,
                probabilities=dict(zip(classes, line, strict=True)),
                features=Named(self.places, row),
            )
            for row, prediction, answer, line in each
        ]  # fmt: skip
