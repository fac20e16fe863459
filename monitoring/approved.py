"""What the serving version was approved as: its reference, its baseline, the rows it has seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from features.catalogue import catalogue
from lifecycle import version_files
from lifecycle.dataset import DataSet
from lifecycle.errors import DataError
from lifecycle.home import Home
from lifecycle.profile import Profile
from lifecycle.profiling import Bounds
from lifecycle.registry import Registry, Version
from lifecycle.row_keys import Keys, row_keys
from lifecycle.task import Task
from monitoring.performance import Yardstick
from monitoring.windows import KEYS

# Columns of the reference that are no features.
OUTCOMES = ("label", "prediction", "answer")


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
            baseline=baseline(task, folder),
            calibration=calibration(task, reference),
        ),
        trained_as_of=utc(str(facts["as_of"])),
        seen=version_files.row_keys(folder),
    )


def baseline(task: Task, folder: Path) -> float:
    """The watched metric on the out-of-time test: it never moves while the version serves.

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


def calibration(task: Task, reference: pd.DataFrame) -> float:
    """Mean prediction minus how often it came true, on the reference's labelled rows."""
    known = reference[reference["label"].notna()]
    came_true = (
        known["label"].astype(bool) if task.kind == "binary" else known["label"] == known["answer"]
    )
    return float((known["prediction"] - came_true.astype(float)).mean())


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
