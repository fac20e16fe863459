"""A task: everything that makes one model, as one frozen value. `tasks/*.py` hold them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from lifecycle.costs import Costs
from lifecycle.dataset import DataSet
from lifecycle.errors import Unsupported, UsageError
from lifecycle.gate import Gate
from lifecycle.label import Does, Label, MostTaken
from lifecycle.retraining import Retraining
from lifecycle.space import Search

Kind = Literal["binary", "multiclass"]
Approval = Literal["automatic", "required"]
Metric = Literal["log_loss", "roc_auc", "pr_auc", "brier", "macro_f1"]

LEAST_CLASSES = 2


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """How what was served is watched.

    Attributes:
        window_days: length of one window.
        window_rows: answered moments of one window, however many days they take; None: windows
            go by time.
        least_rows: a window with fewer says *insufficient data*.
        metric: the one held against the value pinned at approval.
        tolerated_loss: how far that metric may fall short of the pinned value.
        windows, of: decay is a loss in `windows` of the last `of`, the newest among them.
        effect: least KS distance or total variation that counts as drift.
        retrains_a_month: that monitoring may ask for in thirty days.
    """

    window_days: int = 7
    window_rows: int | None = None
    least_rows: int = 300
    metric: str = "roc_auc"
    tolerated_loss: float = 0.05
    windows: int = 2
    of: int = 3
    effect: float = 0.1
    retrains_a_month: int = 2


@dataclass(frozen=True, kw_only=True)
class Task:
    """One model.

    Attributes:
        name: also the registered model's name in MLflow and the feature service's in Feast.
        question: what is asked of a customer, in a marketer's words; `{days}` is the horizon.
        label: what the horizon is asked.
        moments: days after sign-up at which the model may be asked.
        horizon_days: how far the label looks forward from the moment.
        features: patterns (as in a shell) over the feature catalogue's names.
        metric: what the search optimises, out of fold.
        latency_ms: what one answer may take in process; larger blends are not chosen.
        costs: of a task with a yes: what it earns to act on one; None: nobody has said.
        approval: required: what the gate would promote waits until a person approves it.
        retraining: when it is trained again though monitoring asks for nothing.
    """

    name: str
    question: str
    label: Label
    moments: tuple[int, ...] = (1, 3, 7, 14, 30)
    horizon_days: int
    features: tuple[str, ...] = ("*",)
    metric: Metric = "log_loss"
    search: Search
    gate: Gate
    monitor: Monitor = Monitor()
    latency_ms: float = 0.3
    costs: Costs | None = None
    approval: Approval = "automatic"
    retraining: Retraining = field(default_factory=Retraining)

    def __post_init__(self) -> None:
        if self.costs and self.kind != "binary":
            raise UsageError(
                f"The task {self.name!r} has costs but no yes to act on.",
                found=f"Its label {type(self.label).__name__} has several classes.",
                do=f"Take `costs` out of tasks/{self.name}.py and of the data set's TOML file.",
            )

    @property
    def kind(self) -> Kind:
        return "multiclass" if isinstance(self.label, MostTaken) else "binary"

    @property
    def asked(self) -> str:
        """The question, with the horizon that this data set gives it."""
        return self.question.replace("{days}", str(self.horizon_days))

    @property
    def horizon(self) -> timedelta:
        return timedelta(days=self.horizon_days)


def for_dataset(task: Task, dataset: DataSet) -> Task:
    """The task as this data set asks it.

    Raises:
        UsageError: it gives another floor for a metric that the task's gate has none for.
        Unsupported: the data set cannot carry the task; the error says why.
    """
    choice = dataset.tasks.get(task.name)
    why = (choice.unsupported if choice else "") or lacking(task.label, dataset)
    if why:
        raise Unsupported(
            f"The data set {dataset.name!r} cannot carry the task {task.name!r}.",
            found=why,
            do="Choose another task, or add what is missing to the data set's TOML file.",
        )
    if choice is None:
        return task
    return replace(
        task,
        moments=choice.moments or task.moments,
        horizon_days=choice.horizon_days or task.horizon_days,
        costs=choice.costs or task.costs,
        approval=choice.approval or task.approval,
        retraining=replace(
            task.retraining,
            schedule=choice.schedule or task.retraining.schedule,
            new_labels=choice.new_labels or task.retraining.new_labels,
        ),
        gate=task.gate.bounded(choice.floors),
    )


def lacking(label: Label, dataset: DataSet) -> str:
    """What the data set lacks for the label; empty when nothing."""
    vocabulary = dataset.vocabulary
    if isinstance(label, Does) and label.event not in vocabulary.events:
        return f"It has no event {label.event!r}; it has {', '.join(vocabulary.events)}."
    if isinstance(label, MostTaken):
        types = sorted(set(vocabulary.content.values()))
        if len(types) < LEAST_CLASSES:
            return (
                f"Its vocabulary.content names {len(types)} content types "
                f"({', '.join(types) or 'none'}); at least {LEAST_CLASSES} are needed."
            )
    return ""
