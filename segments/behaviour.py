"""Behaviour segments: groups of customers that a machine found by what they do.

`fit` learns them and takes seconds; `load` gives what was learnt and takes milliseconds, without
scikit-learn. A segment keeps its name from fit to fit for as long as it lives.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from features.catalogue import catalogue
from features.feature import Feature
from lifecycle.home import Home
from lifecycle.progress import Progress, silent
from segments import behaviour_store
from segments.behaviour_model import BehaviourModel
from segments.behaviour_report import FitReport

__all__ = ["BehaviourModel", "FitReport", "fit", "load", "up_to_date"]


def fit(home: Home, *, as_of: datetime, seed: int = 0, progress: Progress = silent) -> FitReport:
    """Find behaviour segments among the customers at their newest built moments.

    Every algorithm is tried with 2 to 8 segments. The best silhouette wins among those that
    resamples agree on and that are better than clouds without segments (`segments.quality`).
    Where none is, nothing is stored, and what was in force stays. The same rows and seed give the
    same segments under the same names.

    Args:
        home: with built features.
        as_of: rows of later moments are not looked at.
        seed: of everything that is drawn.
        progress: shown while clusterings are tried.

    Raises:
        NotReady: the features are not built, or of fewer than 100 customers.
        DataError: the segments in force cannot be read.
        Busy: another fit goes on in this home.
    """
    from segments import behaviour_fit  # noqa: PLC0415 - scikit-learn and MLflow take seconds

    return behaviour_fit.fit(home, as_of=as_of, seed=seed, progress=progress)


def load(home: Home) -> BehaviourModel | None:
    """The behaviour segments in force.

    None when none were found yet, or when one of their features means something else today:
    they could tell nothing of today's rows until they are fitted again.

    Raises:
        NotReady: nothing was ingested yet.
        DataError: the stored segments cannot be read.
    """
    model = behaviour_store.read(home)
    if model is None or not up_to_date(model, catalogue(home.dataset())):
        return None
    return model


def up_to_date(model: BehaviourModel, features: Sequence[Feature]) -> bool:
    """Whether every feature of the model is defined as it was when the model was fitted."""
    today = {feature.name: feature.definition for feature in features}
    return all(today.get(column.feature) == column.definition for column in model.columns)
