"""One act for each task: a task that fails takes none of the others with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lifecycle.errors import OnrampError
from lifecycle.task import Task
from onramp.console import show

# The worst that happened decides; a refusal is a good day's work beside a failure.
SEVERITY = (1, 3, 5, 4, 2, 11, 10, 13, 0)


class Report(Protocol):
    def lines(self) -> list[str]: ...


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A task that could not be acted on, and why."""

    task: str
    error: str
    exit_code: int

    def lines(self) -> list[str]:
        """What a person reads."""
        return [f"{self.task}: error: {self.error}"]


def each(
    tasks: Mapping[str, Task], act: Callable[[Task], Any], code: Callable[[Any], int]
) -> tuple[tuple[Any, ...], int]:
    """Act on every task; the reports (a `Failure` among them where one failed), and the worst code.

    Raises:
        OnrampError: there is one task only, and it failed.
    """
    reports: list[Any] = []
    codes = [0]
    for name, task in tasks.items():
        try:
            reports.append(act(task))
            codes.append(code(reports[-1]))
        except OnrampError as error:
            if len(tasks) == 1:
                raise
            reports.append(Failure(task=name, error=str(error), exit_code=error.exit_code))
            codes.append(error.exit_code)
    return tuple(reports), min(codes, key=SEVERITY.index)


def show_each(reports: tuple[Any, ...], *, as_json: bool) -> None:
    """Print every report."""
    show(reports, [line for report in reports for line in report.lines()], as_json=as_json)
