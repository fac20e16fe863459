"""The systems of `benchmarks/training.py`: what each is, and the form in which it is asked.

Everything here and in the systems' own files runs in the interpreter of the system, which may
know nothing of Onramp: standard library, numpy and pandas only, and the system itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

LABEL = "label"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a system is given.

    Attributes:
        train: features, a boolean `label`, and the keys that the table has.
        features: (name, "number" | "category"); categories are text or None.
        timed: the rows are in time and have an `event_timestamp`.
        moments: the rows are a training set of Onramp.
        budget: seconds of wall time.
        folder: to write into; thrown away.
    """

    train: pd.DataFrame
    features: tuple[tuple[str, str], ...]
    timed: bool
    moments: bool
    budget: int
    seed: int
    cores: int
    folder: Path

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.features]

    @property
    def categories(self) -> list[str]:
        return [name for name, kind in self.features if kind == "category"]

    @property
    def rows(self) -> pd.DataFrame:
        return self.train[self.names]

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        return self.train[LABEL].to_numpy(dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A fitted system.

    Attributes:
        predict: a frame of features → probability of the label, shape (rows,).
        one: a one-row frame → a call that answers this row in the fastest way that the system's
            own public interface has. What the frame is turned into is not timed.
        trials: how many candidates were scored; None where the system counts none.
        searching: seconds in which they were; None: the whole time, or nobody told.
        notes: what it chose, for the record.
    """

    predict: Callable[[pd.DataFrame], Floats]
    one: Callable[[pd.DataFrame], Callable[[], object]]
    trials: int | None = None
    searching: float | None = None
    notes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class System:
    """One row of the report.

    Attributes:
        title: as the report calls it.
        fit: "module:function" that takes Asked and gives an Answer.
        imports: imported before the clock runs.
        ours: it runs in Onramp's environment, else in that of the peers.
        budgeted: it takes a time limit; else one run stands for every budget.
        ranked: it takes part in the ranking; the others are asked for by name.
    """

    title: str
    fit: str
    imports: tuple[str, ...]
    ours: bool = False
    budgeted: bool = True
    ranked: bool = True

    def function(self) -> Callable[[Asked], Answer]:
        """Import the system and its adapter."""
        for name in self.imports:
            import_module(name)
        module, _, name = self.fit.partition(":")
        found: Callable[[Asked], Answer] = getattr(import_module(f"benchmarks.{module}"), name)
        return found


OURS = "onramp"

SYSTEMS: Mapping[str, System] = {
    OURS: System(title="Onramp", fit="training_ours:onramp", imports=("training.api",), ours=True),
    "flaml": System(title="FLAML", fit="training_peers:flaml", imports=("flaml",)),
    "autogluon_medium": System(
        title="AutoGluon medium",
        fit="training_peers:autogluon_medium",
        imports=("autogluon.tabular",),
    ),
    "autogluon_best": System(
        title="AutoGluon best",
        fit="training_peers:autogluon_best",
        imports=("autogluon.tabular",),
    ),
    "optuna_naive": System(
        title="naive Optuna + SMOTE",
        fit="training_floors:optuna_naive",
        imports=("optuna", "imblearn.pipeline", "xgboost", "sklearn.model_selection"),
        ours=True,
    ),
    "lightgbm_tuner": System(
        title="LightGBMTuner",
        fit="training_peers:lightgbm_tuner",
        imports=("optuna_integration.lightgbm",),
    ),
    "lightgbm": System(
        title="default LightGBM",
        fit="training_floors:lightgbm_default",
        imports=("lightgbm",),
        ours=True,
        budgeted=False,
    ),
    "flaml_forward": System(
        title="FLAML, told the time",
        fit="training_peers:flaml_forward",
        imports=("flaml",),
        ranked=False,
    ),
    "onramp_unbalanced": System(
        title="Onramp, nothing balanced",
        fit="training_ours:onramp_unbalanced",
        imports=("training.api",),
        ours=True,
        ranked=False,
    ),
}
