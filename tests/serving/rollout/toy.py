"""Versions of a toy model, without files: what they answer is plain to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from features.online_row import OnlineRow
from lifecycle.prediction import FeatureValue, Prediction
from serving.answers import Answer, answer
from serving.champion import Champion
from serving.log_writer import Batch
from serving.rollout.answering import By
from serving.seat import Sitting

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Toy:
    """Says `low` plus a tenth of the customer's visits; falls over when told to."""

    low: float
    features: Sequence[tuple[str, str]] = (("visits", "number"),)
    broken: str = ""
    kind: str = "binary"
    classes: Sequence[str] = ("no", "yes")
    calls: list[int] = field(default_factory=list)

    def score_rows(self, rows: Sequence[Mapping[str, FeatureValue]]) -> Any:
        self.calls.append(len(rows))
        if self.broken == "nan":
            return np.full((len(rows), 2), np.nan)
        if self.broken:
            raise ValueError(self.broken)
        yes = np.array([self.low + float(row["visits"] or 0.0) / 10.0 for row in rows])
        return np.column_stack([1.0 - yes, yes])

    def answers(self, probabilities: Any) -> list[str]:
        return ["yes" if yes >= 0.5 else "no" for yes in probabilities[:, 1]]


def sitting(version: int, toy: Toy, task: str = "churn") -> Sitting:
    champion = Champion(task=task, version=version, model=None, scorer=toy)  # type: ignore[arg-type]
    return Sitting(champion=champion, app=nowhere, since=NOW)


async def nowhere(*_: object) -> None:
    """No scoring app."""


def row(customer: str, visits: float = 1.0, status: str = "found") -> OnlineRow:
    values: dict[str, FeatureValue] = {"visits": visits, "depth": 2.0}
    return OnlineRow(customer_id=customer, event_timestamp=NOW, values=values, status=status)  # type: ignore[arg-type]


class Log:
    """Where answers are put: kept in memory."""

    def __init__(self) -> None:
        self.rows: list[Prediction] = []

    def put(self, batch: Batch) -> bool:
        self.rows += batch.predictions()
        return True

    def by(self) -> By:
        """Let a version answer into this log."""

        def by(who: Champion, rows: Sequence[OnlineRow], origin: Any) -> Sequence[Answer]:
            return answer(who, rows, NOW, self, origin)  # type: ignore[arg-type]

        return by

    def told(self) -> list[tuple[str | None, int, str]]:
        return [(one.customer_id, one.version, one.origin) for one in self.rows]
