"""What the serving version was approved as: its reference, its baseline, the rows it has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from features.catalogue import catalogue
from lifecycle import version_files
from lifecycle.dataset import DataSet
from lifecycle.errors import DataError, NotReady
from lifecycle.home import Home
from lifecycle.ledger import Entry, Ledger
from lifecycle.profile import Profile
from lifecycle.profiling import Bounds
from lifecycle.registry import Registry, Version
from lifecycle.row_keys import Keys, row_keys
from lifecycle.task import Task
from monitoring.performance import Yardstick, clustered_error
from monitoring.windows import KEYS

# Columns of the reference that are no features.
OUTCOMES = ("label", "prediction", "answer")
APPROVALS = "task = ? AND decision IN (?, ?)"
A_JOB = "job "  # how the ledger's actor begins where nobody stood behind a promotion


@dataclass(frozen=True, kw_only=True)
class Approved:
    """The champion, with everything that windows are held against.

    Attributes:
        reference: a sample of its out-of-time test; see `version_files.reference`.
        profile: the same in counts, as it was stored; None of a version made before there was one.
        features: the model's inputs, in its own order.
        answers: what else is compared: the prediction, and the answer among several classes.
        bounds: feature → what its definition allows.
        trained_as_of: nothing later was known when it was made.
        seen: keys of the rows it was trained and calibrated on.
        pinned: the version whose approval the baseline comes from.
    """

    version: Version
    previous: Version | None
    folder: Path
    reference: pd.DataFrame
    profile: Profile | None
    features: tuple[str, ...]
    answers: tuple[str, ...]
    classes: tuple[str, ...]
    bounds: dict[str, Bounds]
    yardstick: Yardstick
    trained_as_of: datetime
    seen: Keys
    pinned: int | None = None

    def unseen(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows that the version was neither trained nor calibrated on."""
        return without(frame, self.seen)


def without(frame: pd.DataFrame, seen: Keys) -> pd.DataFrame:
    """The rows whose keys are not among those seen."""
    return frame[~np.isin(row_keys(frame), seen)] if len(frame) else frame


def approved(home: Home, task: Task) -> Approved:
    """Read what the champion carries.

    Raises:
        NotReady: there is no champion, or its files are not whole.
        DataError: its evaluation lacks the metric that the task watches.
    """
    registry = Registry(home)
    version = registry.champion(task.name)
    folder = registry.folder(version)
    facts = version_files.facts(folder)
    reference = version_files.reference(folder)
    features = tuple(name for name in reference.columns if name not in (*KEYS, *OUTCOMES))
    pin = pinned(home, task, version)
    gap, error = calibration(task, reference)
    return Approved(
        version=version,
        previous=registry.holder(task.name, "previous"),
        folder=folder,
        reference=reference,
        profile=version_files.profile(folder),
        features=features,
        answers=("prediction",) if task.kind == "binary" else ("prediction", "answer"),
        classes=tuple(str(name) for name in facts["classes"]),
        bounds=bounds(home.dataset(), features),
        yardstick=Yardstick(
            kind=task.kind,
            monitor=task.monitor,
            baseline=pin.value,
            calibration=gap,
            calibration_error=error,
        ),
        trained_as_of=utc(str(facts["as_of"])),
        seen=version_files.row_keys(folder),
        pinned=pin.version,
    )


@dataclass(frozen=True, kw_only=True)
class Pin:
    """The value that windows are held against, and whose it is."""

    version: int
    value: float


def pinned(home: Home, task: Task, champion: Version) -> Pin:
    """What was approved: by a person last, or with the first champion.

    A retrain that the gate promoted does not move it: a model that is a little worse after each
    retrain would never be found, and a test that was lucky would raise an alarm for ever.

    Raises:
        DataError: the champion's evaluation lacks the metric that the task watches.
    """
    registry = Registry(home)
    own = Pin(version=champion.number, value=baseline(task, registry.folder(champion)))
    number = approval(Ledger(home).select(APPROVALS, (task.name, "promote", "approve")))
    known = {version.number: version for version in registry.versions(task.name)}
    if number is None or number == champion.number or number not in known:
        return own
    try:
        value = baseline(task, registry.folder(known[number]))
    except (DataError, NotReady):  # its files are gone, or it was measured otherwise
        return own
    return Pin(version=number, value=value)


def approval(rows: Sequence[Entry]) -> int | None:
    """The version that a person approved last, or else the first that was promoted.

    Args:
        rows: promotions and approvals of the task, newest first.
    """
    by_hand = [row for row in rows if not row.actor.startswith(A_JOB)]
    chosen = by_hand[0] if by_hand else rows[-1] if rows else None
    return int(chosen.version) if chosen and chosen.version else None


def baseline(task: Task, folder: Path) -> float:
    """The watched metric on a version's out-of-time test.

    Raises:
        DataError: it was not measured.
    """
    metrics = version_files.evaluation(folder)["metrics"]
    value = metrics.get(task.monitor.metric)
    if value is None:
        raise DataError(
            f"{task.name} watches {task.monitor.metric!r}, which its evaluation lacks.",
            found=f"It has {', '.join(sorted(metrics))}.",
            do="Name one of these as the task's Monitor(metric=…).",
        )
    return float(value)


def calibration(task: Task, reference: pd.DataFrame) -> tuple[float, float]:
    """Mean prediction minus how often it came true, on the reference's labelled rows; its error."""
    known = reference[reference["label"].notna()]
    came_true = (
        known["label"].astype(bool) if task.kind == "binary" else known["label"] == known["answer"]
    )
    gaps = (known["prediction"] - came_true.astype(float)).to_numpy(dtype=np.float64)
    customers = known["customer_id"].to_numpy(dtype=object)
    return float(gaps.mean()), clustered_error(gaps, customers)


def bounds(dataset: DataSet, features: tuple[str, ...]) -> dict[str, Bounds]:
    """What the catalogue allows; a feature it no longer has is unbounded."""
    known = {feature.name: feature for feature in catalogue(dataset)}
    return {
        name: Bounds(at_least=known[name].at_least, at_most=known[name].at_most)
        if name in known
        else Bounds()
        for name in features
    }


def utc(text: str) -> datetime:
    """An ISO 8601 time; without a zone it is UTC."""
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)
