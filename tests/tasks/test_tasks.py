"""A file in tasks/ is a model that the whole platform knows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import tasks
from lifecycle.dataset import DataSet, TaskChoice, Vocabulary
from lifecycle.errors import OnrampError, UnknownName, Unsupported
from lifecycle.task import for_dataset

THIRD = """
from lifecycle.gate import AtLeast, Gate
from lifecycle.label import Does
from lifecycle.task import Task
from tasks._trees import TREES

TASK = Task(
    name="purchase",
    question="Will this customer buy in the next week?",
    label=Does("purchase"),
    horizon_days=7,
    search=TREES,
    gate=Gate(rules=(AtLeast("roc_auc", 0.6),)),
)
"""


def dataset(**changes: object) -> DataSet:
    """A small data set with two events."""
    return DataSet.model_validate(
        {
            "name": "shop",
            "title": "A shop",
            "source": "made here",
            "vocabulary": Vocabulary(events=("purchase", "visit")),
            **changes,
        }
    )


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An importable folder of tasks."""
    folder = tmp_path / "more_tasks"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("more_tasks")]:
        monkeypatch.delitem(sys.modules, name)
    return folder


def test_the_shipped_tasks_are_known() -> None:
    """Churn and preference are found without being listed anywhere."""
    assert set(tasks.discover()) == {"churn", "preference"}


def test_a_third_task_is_one_more_file(package: Path) -> None:
    """Dropping in a file is all it takes."""
    (package / "purchase.py").write_text(THIRD)
    assert tasks.discover("more_tasks", [str(package)])["purchase"].horizon_days == 7


def test_a_file_without_a_task_is_named(package: Path) -> None:
    """A typing error in a task file is not passed over."""
    (package / "purchase.py").write_text("TASKS = 1")
    with pytest.raises(OnrampError, match=r"tasks/purchase\.py defines no task\."):
        tasks.discover("more_tasks", [str(package)])


def test_two_tasks_of_one_name_are_refused(package: Path) -> None:
    """One name is one model in MLflow and one service in Feast."""
    (package / "a.py").write_text(THIRD)
    (package / "b.py").write_text(THIRD)
    with pytest.raises(OnrampError, match="Two files define the task 'purchase'"):
        tasks.discover("more_tasks", [str(package)])


def test_an_unknown_task_gets_the_nearest_one() -> None:
    """The error says what is known and what was meant."""
    with pytest.raises(UnknownName) as caught:
        tasks.find("chrun")
    assert str(caught.value) == (
        "No task named 'chrun'. Known tasks: churn, preference. Did you mean 'churn'?"
    )


def test_a_data_set_without_content_cannot_carry_preference() -> None:
    """What is missing is said, and only the tasks that fit are offered."""
    with pytest.raises(Unsupported, match=r"vocabulary\.content names 0 content types \(none\)"):
        for_dataset(tasks.find("preference"), dataset())
    assert set(tasks.supported(dataset())) == {"churn"}


def test_a_data_set_may_say_why_not() -> None:
    """Its own reason is passed on."""
    choice = {"churn": TaskChoice(unsupported="Customers buy once a year.")}
    with pytest.raises(Unsupported, match=r"Customers buy once a year\."):
        for_dataset(tasks.find("churn"), dataset(tasks=choice))


def test_a_data_set_may_ask_at_other_moments() -> None:
    """Moments and horizon follow the data set; everything else stays the task's."""
    choice = {"churn": TaskChoice(moments=(30,), horizon_days=60)}
    asked = for_dataset(tasks.find("churn"), dataset(tasks=choice))
    assert (asked.moments, asked.horizon_days) == ((30,), 60)
    assert asked.gate == tasks.find("churn").gate
