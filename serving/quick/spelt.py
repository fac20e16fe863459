"""Scores as answers: decided once, in the spelling of MLflow's server and for the log."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

from lifecycle.scorer import Probabilities, Scorer, reported


@dataclass(frozen=True, slots=True)
class Told:
    """Answers, row by row.

    Attributes:
        answers: the decisions in words.
        shown: the one probability that each row is reported by.
        probabilities: (rows, classes).
    """

    answers: Sequence[str]
    shown: Sequence[float]
    probabilities: Probabilities

    def apart(self, sizes: Sequence[int]) -> list[Told]:
        """The answers of so many rows each, in order."""
        ends = list(accumulate(sizes))
        return [
            Told(self.answers[start:end], self.shown[start:end], self.probabilities[start:end])
            for start, end in zip([0, *ends], ends, strict=False)
        ]


def told(scorer: Scorer, probabilities: Probabilities) -> Told:
    """What the scores say."""
    shown = reported(scorer, probabilities).tolist()
    return Told(scorer.answers(probabilities), shown, probabilities)


def spelt(scorer: Scorer, told: Told) -> bytes | None:
    """`{"predictions": …}` in the spelling of MLflow's server; None where a number is none."""
    if not all(map(math.isfinite, told.shown)):
        return None
    if scorer.kind == "binary":
        # a float's own words are those that `json` writes
        rows = ", ".join(
            [
                f'{{"probability": {p!r}, "answer": {quoted(answer)}}}'
                for p, answer in zip(told.shown, told.answers, strict=True)
            ]
        )
        return f'{{"predictions": [{rows}]}}'.encode()
    names = [f"p_{name}" for name in scorer.classes]
    each = zip(told.shown, told.answers, told.probabilities.tolist(), strict=True)
    found: list[dict[str, Any]] = [
        {"answer": answer, "probability": p, **dict(zip(names, line, strict=True))}
        for p, answer, line in each
    ]
    return json.dumps({"predictions": found}).encode()


quoted = lru_cache(maxsize=256)(json.dumps)  # answers are a few words, again and again
