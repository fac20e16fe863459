"""How long work tells that it goes on. The front door shows a bar; everybody else is silent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

FAST = 10  # a second: from there on, no decimals


class Advance(Protocol):
    def __call__(self, n: int, note: str = "") -> None:
        """Go on by `n`. A note says how it stands, `best 0.8467`; an empty one keeps the last."""
        ...


class Progress(Protocol):
    def __call__(self, label: str, total: int | None) -> AbstractContextManager[Advance]:
        """Open a bar named `label`; the value of the context advances it by n of `total`."""
        ...


@contextmanager
def silent(label: str, total: int | None) -> Iterator[Advance]:  # noqa: ARG001
    """Show nothing."""

    def advance(n: int, note: str = "") -> None: ...  # the arguments are those of an Advance

    yield advance


@contextmanager
def bar(label: str, total: int | None) -> Iterator[Advance]:
    """One bar on standard error, gone when the work is done: how far, how fast, how it stands."""
    from rich.console import Console  # noqa: PLC0415  only where somebody looks
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as RichProgress  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), TextColumn("{task.fields[pace]}"),
        TextColumn("{task.fields[note]}", style="bold", markup=False),
    )  # fmt: skip
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total, note="", pace="")

        def advance(n: int, note: str = "") -> None:
            progress.update(task, advance=n, pace=pace(progress.tasks[0].speed))
            if note:
                progress.update(task, note=note)

        yield advance


def pace(speed: float | None) -> str:
    """How many a second, in two digits or more; nothing until two were counted."""
    if not speed:
        return ""
    return f"{speed:,.0f}/s" if speed >= FAST else f"{speed:.2g}/s"
