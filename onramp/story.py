"""The diary of a demo: what it runs on, what has happened so far, where it may happen."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lifecycle.errors import UsageError
from lifecycle.home import Home
from lifecycle.progress import Progress
from lifecycle.task import Task
from monitoring.monitor import MonitorReport
from onramp.job_report import RetrainReport
from tasks import supported
from training.promotion.report import PromotionReport
from training.run import TrainReport

MARK = "demo"  # a file in the home that says: made by a demo, may be put aside by the next
STRANGER = "nobody-we-know"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the demo runs on.

    Attributes:
        dataset: the data set's TOML file.
        simulated: make the customers; else they come from `source` or from a database.
        source: folder of a real data set's files.
        customers: how many sign up in the simulated history.
        seconds, trials: for the training of each model, or of its search; whichever ends first.
    """

    dataset: Path
    simulated: bool
    source: Path | None
    customers: int
    seed: int
    seconds: float | None
    trials: int | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of what happened."""

    name: str
    seconds: float
    words: tuple[str, ...]


@dataclass(kw_only=True)
class Story:
    """What has happened so far. The one value here that grows, because a demo is a diary."""

    home: Home
    plan: Plan
    tell: Callable[[str], None]
    progress: Progress
    pool: Executor
    steps: list[Step] = field(default_factory=list)
    trained: dict[str, TrainReport] = field(default_factory=dict)
    promoted: list[PromotionReport] = field(default_factory=list)
    monitored: list[MonitorReport] = field(default_factory=list)
    retrained: list[RetrainReport] = field(default_factory=list)
    customer: str = STRANGER

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Time a step and tell what it says."""
        begun = time.monotonic()
        words: list[str] = []
        yield words
        self.record(Step(name=name, seconds=time.monotonic() - begun, words=tuple(words)))

    def record(self, done: Step) -> None:
        """Add a step and tell it."""
        self.steps.append(done)
        self.tell(f"[{done.seconds:5.1f} s] {done.name}")
        for line in done.words:
            self.tell(f"          {line}")

    @property
    def tasks(self) -> dict[str, Task]:
        return dict(supported(self.home.dataset()))

    @property
    def served(self) -> list[Task]:
        """The tasks whose model the gate let through."""
        passed = {report.task for report in self.promoted if report.decision == "promote"}
        return [task for name, task in self.tasks.items() if name in passed]


def fresh_home(home: Home) -> None:
    """Put an earlier demo aside, whole; never touch a home that no demo made.

    Raises:
        UsageError: the home was not made by a demo.
    """
    if home.root.exists() and any(home.root.iterdir()):
        if not (home.root / MARK).exists():
            raise UsageError(
                f"{home.root} holds work that is not a demo's.",
                do="Name another folder: `onramp demo --home .onramp-demo`.",
            )
        home.root.rename(free_name(home.root))
    home.root.mkdir(parents=True, exist_ok=True)
    (home.root / MARK).write_text("Made by `onramp demo`. The next demo puts this folder aside.\n")


def free_name(root: Path) -> Path:
    """The first of `<root>.before-1`, `-2` … that nothing has."""
    names = (root.with_name(f"{root.name}.before-{n}") for n in itertools.count(1))
    return next(name for name in names if not name.exists())
