"""What a retrain learns from: the newest rows, and of them as many as still tell the truth.

A share of the rows that grows with the table is too much to hold back when the world has changed:
the newest 22 % are the test, the rows of a horizon before it are embargoed, and nothing is left
of the new world to learn from. So a retrain holds back no more than its gate needs for a paired
test, and everything before the test's first moment is learned from: customers stay apart and time
goes forward. A jury (`training.jury`) sees to it that late moments are judged, too. Then the
training window is chosen by evidence, all of it or the last 8, 4 or 2 weeks: each is fitted and
judged on later customers within the training rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lifecycle.errors import DataError
from lifecycle.gate import Better, Gate, NotWorse
from lifecycle.metrics import ROW_METRICS, Labels
from lifecycle.task import Kind, Task
from training.admission import admit
from training.boosters import Rows, Settings, bins_for, prepare
from training.encode import fit_encoder
from training.jury import SHARE
from training.model import Matrix
from training.parts import class_index, classes_of
from training.promotion.paired import Pair, clustered_mean
from training.splits import HELD_BACK, Positions, Shares, split
from training.trainingset import TrainingSet

WINDOWS = (56, 28, 14)  # days of training moments that are tried beside all of them
JUDGES = 150  # rows of the rarest class that the windows are judged on
CALIBRATES = 200  # rows of the rarest class that a calibrator of two parameters is content with
LEAST_FITTED = 300  # rows of a window that is worth a try
MARGIN = 0.01
REFERENCE_TIMES = 10  # of the gate's least: three hundred positives are a reference to compare with
SPREAD = 0.4  # standard deviation of a positive's share of beaten negatives, at ROC-AUC 0.8
ALIKE = 0.9  # correlation of two models' ROC-AUC on the same rows
ROUNDS = 80
QUICK: Mapping[str, Any] = {"learning_rate": 0.1, "num_leaves": 15, "min_data_in_leaf": 20}
Z95, Z90 = 1.96, 1.2816  # two-sided level, and the power to see what is there

Floats = npt.NDArray[np.float64]
Fit = Callable[[Positions, Positions], Matrix]


@dataclass(frozen=True, kw_only=True)
class Window:
    """How far back to learn from, and what that was decided on.

    Attributes:
        days: of training moments; 0: all of them.
        losses: days tried → log-loss on later customers.
        judged_on: how many rows.
    """

    days: int = 0
    losses: Mapping[int, float] = field(default_factory=dict)
    judged_on: int = 0

    @property
    def words(self) -> str:
        if not self.losses:
            return "All history was learned from: too few rows to choose a window."
        tried = ", ".join(f"{named(days)} {loss:.4f}" for days, loss in self.losses.items())
        return f"Learned from {named(self.days)}; log-loss on {self.judged_on} later rows: {tried}."


def named(days: int) -> str:
    return f"the last {days} days" if days else "all history"


def needed(gate: Gate, regained: float) -> int:
    """Rows of the rarest class that a paired test needs to see so much regained.

    A difference of two correlated ROC-AUCs has about the standard error
    `SPREAD * sqrt(2 (1 - ALIKE) / positives)` (Hanley & McNeil 1983). It has to lie above the
    gate's margin with 95 % confidence, in nine of ten tries where the gain is there; with nothing
    to regain the interval alone has to fit into the margin.

    Args:
        gate: its rules of ROC-AUC give the margin, or `MARGIN` where it has none.
        regained: the loss in ROC-AUC that the retrain answers; 0: none.

    Returns:
        Never so few that the version's own test could not be monitoring's reference; 0, the whole
        share, where no number of rows can be enough.
    """
    margins = [
        rule.margin if isinstance(rule, NotWorse) else -rule.by
        for rule in gate.rules
        if isinstance(rule, NotWorse | Better) and rule.metric == "roc_auc"
    ]
    room = min(margins, default=MARGIN) + regained
    if room <= 0:
        return 0
    sure = Z95 + (Z90 if regained else 0.0)
    rows = math.ceil((sure * SPREAD / room) ** 2 * 2 * (1 - ALIKE))
    return max(rows, REFERENCE_TIMES * gate.least_positives)


def bounded(gate: Gate, regained: float = 0.0) -> Shares:
    """What a retrain holds back: no more than its gate needs."""
    return replace(
        HELD_BACK, enough=needed(gate, regained), enough_to_calibrate=CALIBRATES, embargo=False,
        jury=SHARE,
    )  # fmt: skip


def with_window(shares: Shares, window: Window) -> Shares:
    return replace(shares, days=window.days)


def choose(kind: Kind, frame: pd.DataFrame, labels: Labels, shares: Shares, fit: Fit) -> Window:
    """Choose how far back to learn from, on rows before the test.

    All of history stays unless a shorter window is surely better (95 %, by customer); of those
    that are, the one with the least loss.

    Args:
        kind: of the task.
        frame: labelled moments, as `split` takes them.
        labels: class indices of its rows, shape (n,).
        shares: what the retrain holds back; its test is not looked at.
        fit: learns from the first positions and answers the second, shape (rows, classes).
    """
    try:
        learned = split(frame, shares)
        before = np.sort(np.concatenate([learned.train, learned.calibrate]))
        apart = Shares(calibrate=0, enough=JUDGES, embargo=False, jury=SHARE)
        within = split(frame.iloc[before], apart)
    except DataError:  # too few rows for this; training itself says whether they carry a model
        return Window()
    judges, fitted = before[within.test], before[within.train]
    when = frame["event_timestamp"].iloc[fitted]
    losses: dict[int, Floats] = {}
    answers: dict[int, Matrix] = {}
    for days in (0, *WINDOWS):
        since = within.test_starts - pd.Timedelta(days=days)
        rows = fitted[(when >= since).to_numpy()] if days else fitted
        if days and (len(rows) < LEAST_FITTED or len(rows) == len(fitted) or missing(labels, rows)):
            continue
        answers[days] = fit(rows, judges)
        losses[days] = ROW_METRICS["log_loss"](labels[judges], answers[days])
    means = {days: float(loss.mean()) for days, loss in losses.items()}
    customers = frame["customer_id"].iloc[judges]
    better = [
        days
        for days in answers
        if days and surely_better(kind, labels[judges], answers[days], answers[0], customers)
    ]
    chosen = min(better, key=lambda days: means[days], default=0)
    return Window(days=chosen, losses=means, judged_on=len(judges))


def missing(labels: Labels, rows: Positions) -> bool:
    """Whether the rows lack a class that the others have."""
    return len(np.unique(labels[rows])) < len(np.unique(labels[labels >= 0]))


def surely_better(
    kind: Kind, labels: Labels, one: Matrix, other: Matrix, customers: pd.Series[str]
) -> bool:
    """Whether the first has the lower log-loss, beyond chance over customers."""
    pair = Pair(kind=kind, labels=labels, challenger=one, champion=other, customers=customers)
    return clustered_mean(pair, "log_loss").high < 0


def for_retrain(task: Task, data: TrainingSet, regained: float = 0.0) -> tuple[Shares, Window]:
    """What a retrain of the task holds back, and how far back it learns.

    Windows are compared by a small booster with fixed settings: which past still tells the truth
    shows in any model, and a search for each would cost more than the retrain.

    Args:
        task: its gate says how many rows have to judge.
        data: labelled moments.
        regained: the loss that the retrain answers, see `needed`.

    Raises:
        DataError: columns, keys or labels are not what training needs.
    """
    data = admit(task, data)
    frame = data.frame
    classes = classes_of(task, frame["label"])
    labels = class_index(task, frame["label"], classes)

    def fit(rows: Positions, judges: Positions) -> Matrix:
        encoder = fit_encoder(frame.iloc[rows], data.features)
        settings = Settings(classes=len(classes), bins=bins_for(len(rows)), seed=0, rounds=ROUNDS)
        known = Rows(matrix=encoder.matrix(frame.iloc[rows]), labels=labels[rows])
        fitted = prepare("lightgbm", encoder, known, None, settings).fit(QUICK, settings)
        return fitted.predict(encoder.matrix(frame.iloc[judges]))

    shares = bounded(task.gate, regained)
    window = choose(task.kind, frame, labels, shares, fit)
    return with_window(shares, window), window
