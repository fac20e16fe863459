"""One act a task: all are done, all are told, and the worst decides the exit code."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from lifecycle.errors import Busy, NotReady
from lifecycle.task import Task
from onramp.each import Failure, each
from tasks import discover


@dataclass(frozen=True)
class Report:
    task: str

    def lines(self) -> list[str]:
        return [self.task]


def fail_on(name: str, error: Exception) -> object:
    def act(task: Task) -> Report:
        if task.name == name:
            raise error
        return Report(task.name)

    return act


def test_a_task_that_fails_takes_no_other_with_it() -> None:
    """The second task is acted on, the first one's error is among the reports."""
    error = NotReady("No champion for churn.", do="Promote one.")
    reports, code = each(discover(), fail_on("churn", error), lambda _: 0)
    assert reports == (
        Failure(task="churn", error="No champion for churn. Promote one.", exit_code=4),
        Report("preference"),
    )
    assert code == 4


def test_one_task_alone_keeps_its_error() -> None:
    """Asked for one task, its error is the command's."""
    with pytest.raises(Busy):
        each({"churn": discover()["churn"]}, fail_on("churn", Busy("Held.")), lambda _: 0)


@pytest.mark.parametrize(
    ("codes", "worst"), [((1, 10), 1), ((10, 5), 5), ((0, 10), 10), ((11, 10), 11), ((0, 0), 0)]
)
def test_the_worst_decides(codes: tuple[int, int], worst: int) -> None:
    """A failure is never hidden behind a refusal, whose number is larger."""
    given = dict(zip(discover(), codes, strict=True))
    assert each(discover(), lambda task: task.name, given.__getitem__)[1] == worst
