"""What one server has seen of a challenger and the champion beside it: bounded, and counted once.

Scores are kept by customer, the newest of each: somebody who is asked about a hundred times is
one draw of the population and not a hundred. Times are of requests about one customer, because
only those are alike on both sides.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lifecycle.gate.verdict import Finding

Who = Literal["champion", "challenger"]
Scores = tuple[float, ...]

MOST_CUSTOMERS = 20_000
MOST_TIMES = 2_000
FIRST_LOOK = 200  # customers on either side; each later look has twice as many answers

_NONE: NDArray[np.float64] = np.empty(0)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The two populations of scores at one look.

    Attributes:
        look: how many looks were taken before this one.
        classes: whose probabilities are compared; of a binary task the positive one.
        champion: probabilities, (customers, classes); challenger: the same.
    """

    look: int
    classes: tuple[str, ...]
    champion: NDArray[np.float64]
    challenger: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the guardrails judge.

    Attributes:
        answers: of the challenger, failures not among them.
        failures: requests at which the challenger failed and the champion answered.
        reason: of the newest failure.
        champion_seconds: of the newest requests about one customer; challenger_seconds: the same.
        compared: the scores, where a look at them is due.
    """

    answers: int = 0
    failures: int = 0
    reason: str = ""
    champion_seconds: NDArray[np.float64] = field(default_factory=lambda: _NONE)
    challenger_seconds: NDArray[np.float64] = field(default_factory=lambda: _NONE)
    compared: Compared | None = None


class Side:
    """One of the two: how many answers, to whom, how fast."""

    def __init__(self) -> None:
        self.answers = 0
        self.scores: OrderedDict[str, Scores] = OrderedDict()
        self.seconds: deque[float] = deque(maxlen=MOST_TIMES)

    def add(self, customer_id: str, scores: Scores) -> None:
        self.answers += 1
        self.scores[customer_id] = scores
        self.scores.move_to_end(customer_id)
        if len(self.scores) > MOST_CUSTOMERS:
            self.scores.popitem(last=False)

    def matrix(self) -> NDArray[np.float64]:
        return np.array(list(self.scores.values()), dtype=np.float64)


class Seen:
    """Written by the threads that answer, read by the one that judges."""

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self._sides: dict[Who, Side] = {"champion": Side(), "challenger": Side()}
        self._failures = self._dropped = self._look = 0
        self._reason = ""
        self._findings: dict[str, Finding] = {}
        self._next = FIRST_LOOK
        self._lock = threading.Lock()

    def answered(
        self, who: Who, given: Sequence[tuple[str, Scores]], seconds: float | None = None
    ) -> None:
        """Count answers.

        Args:
            who: gave them.
            given: customer and probabilities in the order of `classes`.
            seconds: that the question took; None: it cannot be compared.
        """
        with self._lock:
            side = self._sides[who]
            for customer_id, scores in given:
                side.add(customer_id, scores)
            if seconds is not None and len(given) == 1:
                side.seconds.append(seconds)

    def failed(self, reason: str) -> None:
        """Count a request that the challenger could not answer."""
        with self._lock:
            self._failures += 1
            self._reason = reason

    def dropped(self, rows: int) -> None:
        """Count rows that a shadow had no time for."""
        with self._lock:
            self._dropped += rows

    def record(self) -> Record:
        """What is known now, with the scores where both sides have enough for the next look."""
        with self._lock:
            champion, challenger = self._sides["champion"], self._sides["challenger"]
            return Record(
                answers=challenger.answers,
                failures=self._failures,
                reason=self._reason,
                champion_seconds=np.array(champion.seconds),
                challenger_seconds=np.array(challenger.seconds),
                compared=self._compared(champion, challenger),
            )

    def _compared(self, champion: Side, challenger: Side) -> Compared | None:
        """The scores, if a look is due: looks are far apart, for each may be wrong by chance."""
        answers = min(champion.answers, challenger.answers)
        customers = min(len(champion.scores), len(challenger.scores))
        if customers < FIRST_LOOK or answers < self._next:
            return None
        self._next, self._look = 2 * answers, self._look + 1
        return Compared(
            look=self._look - 1, classes=self.classes,
            champion=champion.matrix(), challenger=challenger.matrix(),
        )  # fmt: skip

    def found(self, findings: Sequence[Finding]) -> None:
        """Keep the newest finding of each rule."""
        with self._lock:
            self._findings |= {one.rule: one for one in findings}

    def findings(self) -> tuple[Finding, ...]:
        """The newest finding of each rule that had one."""
        with self._lock:
            return tuple(self._findings.values())

    def state(self) -> dict[str, Any]:
        """What /ready says."""
        with self._lock:
            return {
                "champion_answers": self._sides["champion"].answers,
                "challenger_answers": self._sides["challenger"].answers,
                "failures": self._failures,
                "dropped": self._dropped,
                "last_failure": self._reason or None,
                "findings": {rule: one.words for rule, one in self._findings.items()},
            }
