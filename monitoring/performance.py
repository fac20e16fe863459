"""How good the answers turned out to be, once their labels had ripened.

One window's metric is held against the value pinned when its version was approved, never
against the window before: a model that decays a little every week would pass that for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from lifecycle.metrics import HIGHER_IS_BETTER, Labels, Probabilities, as_arrays, measure, metric
from lifecycle.task import Kind, Monitor
from monitoring.windows import KEYS, Span

RESAMPLES = 200
CONFIDENCE = 0.95
MISCALIBRATED = 0.05
STANDARD_ERRORS = 3.3  # chance alone goes beyond in one window of a thousand
LEAST_OF_A_CLASS = 10

Outcome = Literal["fine", "decayed", "could not tell"]
Draw = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Labelled answers of one version.

    Attributes:
        labels: class indices, shape (n,).
        probabilities: shape (n, classes).
        confidence: the logged prediction, shape (n,): P(positive), or P(answer).
        came_true: whether what the prediction is of happened, shape (n,).
        customers: whose moment it was, shape (n,).
    """

    kind: Kind
    labels: Labels
    probabilities: Probabilities
    confidence: npt.NDArray[np.float64]
    came_true: npt.NDArray[np.float64]
    customers: npt.NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, chosen: Draw) -> Answers:
        """The chosen rows, in that order; a row may be chosen twice."""
        return Answers(
            kind=self.kind,
            labels=self.labels[chosen],
            probabilities=self.probabilities[chosen],
            confidence=self.confidence[chosen],
            came_true=self.came_true[chosen],
            customers=self.customers[chosen],
        )


@dataclass(frozen=True, kw_only=True)
class Performance:
    """One window of ripened labels.

    Attributes:
        version: whose answers.
        answered: moments that this version answered and was not trained on.
        labelled: … whose label is known.
        metrics: every metric of the task's kind.
        value, low, high: the watched metric and its 95 % interval, customers resampled.
        baseline: what it was at approval.
        calibration: mean prediction minus how often it came true; nan where nothing is labelled.
        calibration_moved: … and by how much more than in the version's test.
        outcome: of the watched metric.
        calibration_outcome: of the calibration.
        set_aside: why the window does not count; empty when it does.
    """

    span: Span
    version: int
    answered: int
    labelled: int
    metrics: dict[str, float]
    metric: str
    value: float
    low: float
    high: float
    baseline: float
    calibration: float
    outcome: Outcome
    calibration_outcome: Outcome
    set_aside: str = ""
    calibration_moved: float = 0.0

    @property
    def complete(self) -> float:
        """Share of the answered moments whose label is known."""
        return self.labelled / self.answered if self.answered else 0.0

    @property
    def words(self) -> str:
        if self.outcome == "could not tell":
            why = self.set_aside or f"{self.labelled} labelled answers are too few"
            return f"{self.span}: not judged, {why}"
        return (
            f"{self.span}: {self.metric} {self.value:.3f} ({self.low:.3f} to {self.high:.3f}), "
            f"approved at {self.baseline:.3f}, {self.labelled} labelled answers"
        )


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """What a version's windows are held against.

    Attributes:
        baseline: the watched metric on the out-of-time test, pinned at approval.
        calibration: mean prediction minus frequency there.
        calibration_error: its standard error.
    """

    kind: Kind
    monitor: Monitor
    baseline: float
    calibration: float = 0.0
    calibration_error: float = 0.0


def columns_of(kind: Kind) -> list[str]:
    """What `answers` reads of the log: it may be long, and its texts are."""
    return [*KEYS, "prediction", *(() if kind == "binary" else ("answer", "probabilities"))]


def answers(
    kind: Kind, classes: Sequence[str], logged: pd.DataFrame, labels: pd.DataFrame
) -> Answers:
    """Join logged answers with the labels that are known.

    Args:
        kind: binary or multiclass.
        classes: class names in the order of the model; unused for binary.
        logged: rows of the prediction log.
        labels: customer_id, event_timestamp, label.
    """
    joined = labelled(logged, labels).sort_values(KEYS, kind="stable")
    came_true: npt.NDArray[np.float64]
    if kind == "binary":
        truth = joined["label"].astype(bool).to_numpy()
        index, matrix = as_arrays(truth, joined["prediction"].to_numpy(dtype=np.float64))
        came_true = np.asarray(truth, dtype=np.float64)
    else:
        joined = joined[joined["label"].isin(classes)]
        names = {name: n for n, name in enumerate(classes)}
        index, matrix = as_arrays(
            joined["label"].map(names).to_numpy(dtype=np.int64), class_matrix(joined, classes)
        )
        came_true = np.asarray(joined["label"] == joined["answer"], dtype=np.float64)
    return Answers(
        kind=kind, labels=index, probabilities=matrix, came_true=came_true,
        confidence=joined["prediction"].to_numpy(dtype=np.float64),
        customers=joined["customer_id"].to_numpy(dtype=object),
    )  # fmt: skip


def labelled(logged: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """The logged rows whose label is known, with it; an empty frame has no types to join by."""
    known = labels[[*KEYS, "label"]].dropna(subset=["label"])
    if logged.empty or known.empty:
        return logged.head(0).assign(label=[])
    return logged.merge(known, on=KEYS, how="inner")


def class_matrix(joined: pd.DataFrame, classes: Sequence[str]) -> Probabilities:
    """Probabilities as logged (JSON text), one column a class; a class not logged counts 0."""
    rows = [json.loads(text) for text in joined["probabilities"]]
    matrix = [[float(row.get(name, 0.0)) for name in classes] for row in rows]
    return np.asarray(matrix, dtype=np.float64).reshape(len(rows), len(classes))


def perform(span: Span, version: int, answered: int, given: Answers, by: Yardstick) -> Performance:
    """Measure one window and hold it against the yardstick."""
    name = by.monitor.metric
    enough = judgeable(given, by.monitor.least_rows)
    metrics = measure(by.kind, given.labels, given.probabilities) if len(given) else {}
    value = metrics.get(name, float("nan"))
    low, high = interval(given, name) if enough else (float("nan"), float("nan"))
    gap = float(np.mean(given.confidence - given.came_true)) if len(given) else float("nan")
    return Performance(
        span=span, version=version, answered=answered, labelled=len(given), metrics=metrics,
        metric=name, value=value, low=low, high=high, baseline=by.baseline, calibration=gap,
        outcome=decayed(value, low, high, by) if enough else "could not tell",
        calibration_outcome=miscalibrated(given, gap, by) if enough else "could not tell",
        calibration_moved=gap - by.calibration,
    )  # fmt: skip


def judgeable(given: Answers, least_rows: int) -> bool:
    """Whether there are enough labelled answers, and two classes among them."""
    sizes = np.bincount(given.labels) if len(given) else np.zeros(1, dtype=np.int64)
    return len(given) >= least_rows and int((sizes >= LEAST_OF_A_CLASS).sum()) > 1


def interval(given: Answers, name: str, seed: int = 0) -> tuple[float, float]:
    """Percentile bootstrap over customers: one customer's moments come and go together."""
    if name == "roc_auc" and given.kind == "binary":
        values = drawn_auc(given, seed)
    else:
        values = [
            metric(given.kind, name, given.labels[sample], given.probabilities[sample])
            for sample in draws(given, seed)
        ]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return float(low), float(high)


def drawn_auc(given: Answers, seed: int) -> list[float]:
    """ROC-AUC in every draw: rows are ranked once and counted as often as they were drawn."""
    _, group = np.unique(given.probabilities[:, 1], return_inverse=True)
    positive = given.labels == 1
    values = []
    for times in times_drawn(given, seed):
        yes = np.bincount(group[positive], times[positive], minlength=group.max() + 1)
        no = np.bincount(group[~positive], times[~positive], minlength=group.max() + 1)
        pairs = yes.sum() * no.sum()
        wins = float(yes @ (np.cumsum(no) - no / 2))
        values.append(wins / pairs if pairs else float("nan"))
    return values


def draws(given: Answers, seed: int) -> Iterator[Draw]:
    """Places of rows, customers drawn with replacement and each with all of its rows."""
    rows = np.arange(len(given))
    for times in times_drawn(given, seed):
        yield np.repeat(rows, times)


def times_drawn(given: Answers, seed: int) -> Iterator[Draw]:
    """How often each row is drawn, with its customer, shape (n,)."""
    rng = np.random.default_rng(seed)
    customers, owner = np.unique(given.customers.astype(str), return_inverse=True)
    for _ in range(RESAMPLES):
        drawn = rng.integers(len(customers), size=len(customers))
        yield np.bincount(drawn, minlength=len(customers))[owner]


def decayed(value: float, low: float, high: float, by: Yardstick) -> Outcome:
    """Worse than approved by more than is tolerated, and not by chance."""
    if not np.isfinite([value, low, high, by.baseline]).all():
        return "could not tell"
    if HIGHER_IS_BETTER.get(by.monitor.metric, True):
        worse = value < by.baseline - by.monitor.tolerated_loss and high < by.baseline
    else:
        worse = value > by.baseline + by.monitor.tolerated_loss and low > by.baseline
    return "decayed" if worse else "fine"


def miscalibrated(given: Answers, gap: float, by: Yardstick) -> Outcome:
    """Whether predictions are off on average by more than they were, and not by chance.

    Ranks can stay good while every probability is wrong: a change of the base rate does that.
    Chance lies in both samples, the window's and the reference's, and in customers, not in rows.
    """
    moved = gap - by.calibration
    error = clustered_error(given.confidence - given.came_true, given.customers)
    beyond_chance = abs(moved) > STANDARD_ERRORS * np.hypot(error, by.calibration_error)
    return "decayed" if abs(moved) > MISCALIBRATED and beyond_chance else "fine"


def clustered_error(values: npt.NDArray[np.float64], customers: npt.NDArray[np.object_]) -> float:
    """Standard error of a mean whose rows come in customers (Cochran 1977, 6.3)."""
    codes, names = pd.factorize(customers)
    if len(names) < 2:  # noqa: PLR2004  one customer says nothing of others
        return float("inf")
    sums = np.bincount(codes, values - values.mean(), minlength=len(names))
    return float(np.sqrt(len(names) / (len(names) - 1) * (sums @ sums)) / len(values))


def paired_gain(older: Answers, newer: Answers, name: str, seed: int = 0) -> tuple[float, float]:
    """Interval of the older version's gain over the newer on the same rows; > 0 is better."""
    sign = 1.0 if HIGHER_IS_BETTER.get(name, True) else -1.0
    gains = [
        metric(older.kind, name, older.labels[rows], older.probabilities[rows])
        - metric(newer.kind, name, newer.labels[rows], newer.probabilities[rows])
        for rows in draws(newer, seed)
    ]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(np.asarray(gains) * sign, [tail, 1 - tail])
    return float(low), float(high)
