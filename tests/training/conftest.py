"""A made-up training set whose signal is known, and MLflow migrated once and copied."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lifecycle.gate import AtLeast, AtMost, Gate, NotWorse
from lifecycle.home import Home, open_home
from lifecycle.label import Inactive, MostTaken
from lifecycle.space import Int, Search
from lifecycle.task import Task
from tasks._trees import TREES
from training.trainingset import TrainingSet

with warnings.catch_warnings():
    # MLflow warns of its own type hints while it is imported
    warnings.simplefilter("ignore")
    import mlflow.pyfunc  # noqa: F401

    from lifecycle import tracking
    from lifecycle.registry import Registry
    from training.candidate import Budget
    from training.run import TrainReport, train_on

LIBRARIES_WARN = (
    # MLflow 3.17 maps its tables by a SQLAlchemy loader that 2.1 calls by another name
    "ignore:The ``noload`` loader strategy is deprecated",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings of the libraries themselves, raised wherever MLflow's store is used."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warning in LIBRARIES_WARN:
                item.add_marker(pytest.mark.filterwarnings(warning))


START = datetime(2025, 1, 1, tzinfo=UTC)
NUMBERS = tuple(f"n{i}" for i in range(5))
FEATURES = (*((name, "number") for name in NUMBERS), ("plan", "category"), ("place", "category"))


def make_frame(
    customers: int = 400, seed: int = 0, kind: str = "binary", signal: float = 1.5
) -> pd.DataFrame:
    """Moments at days 1, 3 and 7 of customers who sign up over 100 days, with a known signal."""
    rng = np.random.default_rng(seed)
    signed_up = START + pd.to_timedelta(np.sort(rng.uniform(0, 100, customers)), unit="D")
    days = np.tile([1, 3, 7], customers)
    who = np.repeat(np.arange(customers), 3)
    x = rng.normal(size=(len(who), len(NUMBERS)))
    plan = rng.choice(["free", "pro", "team"], len(who))
    place = rng.choice(["ber", "nyc"], len(who))
    push = signal * (x[:, 0] - 0.7 * x[:, 1] + 0.8 * (plan == "free"))
    if kind == "binary":
        label: object = rng.random(len(who)) < 1 / (1 + np.exp(1.2 - push))
    else:
        scores = np.column_stack([push, 0.5 * x[:, 2], np.zeros(len(who))])
        label = np.array(["audio", "text", "video"])[
            (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
        ]
    moment = signed_up[who] + pd.to_timedelta(days, unit="D")
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in who],
            "event_timestamp": moment.as_unit("us"),
            "signed_up_at": signed_up[who].as_unit("us"),
            "label": label,
            "label_end": (moment + timedelta(days=7)).as_unit("us"),
        }
    )
    x[rng.random(x.shape) < 0.05] = np.nan
    frame[list(NUMBERS)] = x
    frame["plan"], frame["place"] = plan, place
    frame.loc[rng.random(len(frame)) < 0.05, "plan"] = None
    return frame


def make_set(frame: pd.DataFrame) -> TrainingSet:
    return TrainingSet(
        frame=frame,
        features=FEATURES,
        as_of=START + timedelta(days=120),
        lineage={"dataset": "made up"},
    )


SEARCH: Search = replace(TREES, trials=4, folds=2, smote={**TREES.smote, "k_neighbors": Int(3, 5)})
GATE = Gate(
    rules=(
        AtLeast("roc_auc", 0.55),
        AtMost("ece", 0.2),
        NotWorse("roc_auc", margin=0.02),
        NotWorse("log_loss", margin=0.02, higher_is_better=False),
    ),
    least_rows=100,
    least_positives=20,
)
CHURN = Task(
    name="churn", question="Gone?", label=Inactive(), moments=(1, 3, 7), horizon_days=7,
    search=SEARCH, gate=GATE,
)  # fmt: skip
PREFERENCE = Task(
    name="preference", question="Which?", label=MostTaken(), moments=(1, 3, 7), horizon_days=7,
    search=SEARCH, gate=Gate(rules=(AtLeast("log_loss_skill", 0.0),)),
)  # fmt: skip


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's SQLite store, migrated once: it takes seconds, a copy takes none."""
    home = open_home(tmp_path_factory.mktemp("mlflow") / "home")
    with tracking.run(home, "set-up", "set-up", {}):
        pass
    return home.root / "mlflow.db"


@pytest.fixture
def home(tmp_path: Path, migrated: Path) -> Home:
    """An empty home with a migrated MLflow."""
    return make_home(tmp_path / "home", migrated)


def make_home(root: Path, migrated: Path) -> Home:
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    return open_home(root)


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Callable[[str], Home]:
    """Makes homes that live as long as the session."""
    return lambda name: make_home(tmp_path_factory.mktemp(name) / "home", migrated)


@dataclass(frozen=True)
class Trained:
    """Both kinds of task trained once in one home; tests read it and change nothing."""

    home: Home
    reports: Mapping[str, TrainReport]
    frames: Mapping[str, pd.DataFrame]

    def folder(self, task: str) -> Path:
        registry = Registry(self.home)
        return registry.folder(registry.version(task, self.reports[task].version))


@pytest.fixture(scope="session")
def trained(new_home: Callable[[str], Home]) -> Trained:
    """One churn and one preference version."""
    home = new_home("trained")
    frames = {"churn": make_frame(), "preference": make_frame(kind="multiclass")}
    reports = {
        # what people read costs more than the model here: once is enough
        task.name: train_on(
            home, task, make_set(frames[task.name]), Budget(trials=4, report=task is CHURN)
        )
        for task in (CHURN, PREFERENCE)
    }
    return Trained(home=home, reports=reports, frames=frames)
