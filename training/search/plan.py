"""What a search is asked and what it answers: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import numpy as np
from optuna.trial import FrozenTrial

from lifecycle.space import Algorithm, Search
from lifecycle.task import Kind, Metric
from training.balancing.balance import Balance

SEARCH_VERSION = 6  # raised whenever a trial of the same number would come out otherwise
LIBRARIES = ("xgboost", "lightgbm", "optuna", "imbalanced-learn", "scikit-learn", "numpy")
FINALISTS = 8  # candidates that a search hands on


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to search, for how long, where it is kept and by how many.

    Attributes:
        name: of the study; `training.search.identity` adds what must be the same for it to be
            carried on.
        folder: for the journal, its lock and the kept boosters.
        storage: URL of a database that Optuna knows; None: a journal in `folder`.
        trials: slots to finish on the first stage, those of earlier processes among them; None:
            as many as the seconds allow.
        seconds: for the search alone; None: no limit, and then the result is the same again.
        workers: processes, this one among them.
    """

    name: str
    folder: Path
    kind: Kind
    metric: Metric
    search: Search
    seed: int
    trials: int | None
    seconds: float | None = None
    storage: str | None = None
    workers: int = 1

    @property
    def journal(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def kept(self) -> Path:
        """Fold boosters of the best trials; see `training.search.kept`."""
        return self.folder / f"{self.name}.kept"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A booster with its parameters and balancing.

    Attributes:
        rounds: those that each fold of the problem it was last scored on found best; empty
            before it was scored.
    """

    algorithm: Algorithm
    params: Mapping[str, float | int | str | None]
    balance: Balance
    rounds: tuple[int, ...] = ()

    @property
    def typical_rounds(self) -> int:
        """The median over the folds: for a fit on every row."""
        return max(1, round(float(np.median(self.rounds))))


@dataclass(frozen=True, kw_only=True)
class Found:
    """The outcome of a search.

    Attributes:
        ranked: the best candidates of the last stage, best first: up to eight, and the best of
            each algorithm that was scored there.
        scores: of each of them, its mean over the last stage's folds of the task's metric.
        value: the first of `scores`.
        trials: the finished trials by stage and slot, numbered in that order; `user_attrs` has
            `stage`, `slot`, `scores` and `rounds` by fold.
        kept: place in `ranked` → folder with one `fold-<i>` a fold of the last stage, each with
            the booster that was scored on it, as `Fitted.save` writes it. One that is missing
            costs a fit and nothing else.
        seconds: that this process searched.
        counts: outcome → trials.
    """

    ranked: tuple[Candidate, ...]
    value: float
    trials: tuple[FrozenTrial, ...]
    scores: tuple[float, ...] = ()
    kept: Mapping[int, Path] = field(default_factory=dict)
    seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)


def code() -> tuple[str, ...]:
    """What decides how a trial of a given number comes out, beside the question and the data."""
    return (f"search {SEARCH_VERSION}", *(f"{name} {metadata.version(name)}" for name in LIBRARIES))
