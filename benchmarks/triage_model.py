"""Who answers in the world of `benchmarks/triage.py`: a logistic regression, and what is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.gate_rules import SHIPPED
from benchmarks.triage_world import DELAY, FEATURES, Floats, People
from lifecycle.gate import Evidence, judge
from lifecycle.metrics import Labels, measure
from lifecycle.profiling import Bounds
from lifecycle.registry import Version
from lifecycle.retraining import Retraining
from lifecycle.row_keys import Keys, row_keys
from lifecycle.task import Monitor, Task
from lifecycle.version_files import REFERENCE_ROWS
from monitoring.approved import Approved, calibration
from monitoring.performance import Yardstick
from tasks.churn import TASK
from training.newest import Window, bounded, choose, with_window
from training.promotion.evidence import compared
from training.promotion.paired import Pair
from training.splits import HELD_BACK, Positions, split

WATCHED: Task = replace(
    TASK, horizon_days=7 * DELAY, moments=(1,), gate=SHIPPED, monitor=Monitor(),
    retraining=Retraining(schedule="never"),
)  # fmt: skip
ROUNDS, RIDGE = 8, 1.0
HALF = 0.5


@dataclass(frozen=True, kw_only=True)
class Logistic:
    """Weights of a ridge-penalised logistic regression, the constant first."""

    weights: Floats

    def __call__(self, matrix: Floats) -> Floats:
        """P(yes), shape (n,)."""
        return np.asarray(1 / (1 + np.exp(-(self.weights[0] + matrix @ self.weights[1:]))))


def learn(matrix: Floats, labels: Labels) -> Logistic:
    """Fit by iteratively reweighted least squares."""
    x = np.column_stack([np.ones(len(matrix)), matrix])
    weights = np.zeros(x.shape[1])
    penalty = RIDGE * np.eye(x.shape[1])
    penalty[0, 0] = 0.0
    for _ in range(ROUNDS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (labels - p) - penalty @ weights
        curve = (x * (p * (1 - p))[:, None]).T @ x + penalty
        weights = weights + np.linalg.solve(curve, slope)
    return Logistic(weights=weights)


def both(p: Floats) -> Floats:
    return np.column_stack([1 - p, p])


@dataclass(frozen=True, kw_only=True)
class Made:
    """A trained version: its model, what it has seen, and its own out-of-time test."""

    number: int
    model: Logistic
    seen: Keys
    test: People
    as_of: datetime
    window: Window

    @property
    def metrics(self) -> dict[str, float]:
        return measure("binary", self.test.labels, self.model(self.test.matrix))


def make(
    people: People, number: int, as_of: datetime, *, fresh: bool, regained: float = 0.0
) -> Made:
    """Train as Onramp does: the first time by shares, a retrain on the newest that it can.

    Args:
        people: labelled rows that may be learned from.
        number: of the version.
        as_of: now.
        fresh: a retrain.
        regained: the loss that it answers.
    """
    window, shares = Window(), HELD_BACK
    if fresh:

        def fit(rows: Positions, judges: Positions) -> Floats:
            return both(learn(people.matrix[rows], people.labels[rows])(people.matrix[judges]))

        shares = bounded(SHIPPED, regained)
        window = choose("binary", people.frame, people.labels, shares, fit)
        shares = with_window(shares, window)
    parts = split(people.frame, shares)
    rows = np.sort(np.concatenate([parts.train, parts.calibrate]))
    return Made(
        number=number, model=learn(people.matrix[rows], people.labels[rows]),
        seen=np.unique(row_keys(people.frame.iloc[rows])), test=people.taken(parts.test),
        as_of=as_of, window=window,
    )  # fmt: skip


def on_all(people: People, number: int, as_of: datetime) -> Made:
    """Train as public projects do: on everything that has a label, and judge nothing."""
    return Made(
        number=number, model=learn(people.matrix, people.labels),
        seen=np.zeros(0, dtype=np.uint64), test=people, as_of=as_of, window=Window(),
    )  # fmt: skip


def promoted(challenger: Made, champion: Made) -> bool:
    """Whether the shipped churn gate takes the challenger, on the challenger's own test rows."""
    test = challenger.test
    answers, theirs = challenger.model(test.matrix), champion.model(test.matrix)
    known = Evidence(
        rows=len(test.labels), positives=int(min(test.labels.sum(), (1 - test.labels).sum())),
        seen=int(np.isin(row_keys(test.frame), [*challenger.seen, *champion.seen]).sum()),
        metrics=measure("binary", test.labels, answers), differences={},
    )  # fmt: skip
    pair = Pair(
        kind="binary", labels=test.labels, challenger=both(answers), champion=both(theirs),
        customers=test.frame["customer_id"],
    )  # fmt: skip
    return judge(SHIPPED, compared(WATCHED, pair, test.frame, known)).decision == "promote"


def answered(made: Made, people: People) -> pd.DataFrame:
    """The prediction log's rows of these people, as this version answers them."""
    p = made.model(people.matrix)
    return people.frame[["customer_id", "event_timestamp", *FEATURES]].assign(
        prediction=p, answer=np.where(p >= HALF, "yes", "no"), version=made.number,
        origin="batch", scored_at=people.frame["event_timestamp"],
        receipt_id=people.frame["customer_id"],
    )  # fmt: skip


def approved(made: Made, baseline: float, pinned: int) -> Approved:
    """What the version carries, as `monitoring.approved` reads it from its files."""
    people = made.test
    rows = np.arange(len(people.labels))
    if len(rows) > REFERENCE_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, REFERENCE_ROWS, replace=False))
    reference = answered(made, people)[["customer_id", "event_timestamp", *FEATURES,
                                        "prediction", "answer"]]  # fmt: skip
    reference = reference.assign(label=people.labels.astype(bool)).iloc[rows]
    gap, error = calibration(WATCHED, reference)
    return Approved(
        version=Version(task="churn", number=made.number, run_id=""), previous=None,
        folder=Path(), reference=reference.reset_index(drop=True), features=FEATURES,
        answers=("prediction",), classes=("no", "yes"),
        bounds={name: Bounds() for name in FEATURES},
        yardstick=Yardstick(kind="binary", monitor=WATCHED.monitor, baseline=baseline,
                            calibration=gap, calibration_error=error),
        trained_as_of=made.as_of, seen=made.seen, pinned=pinned, profile=None,
    )  # fmt: skip
