"""How long work tells that it goes on. The front door shows a bar; everybody else is silent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


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
