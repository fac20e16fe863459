"""How long work tells that it goes on. The front door shows a bar; everybody else is silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]


class Progress(Protocol):
    def __call__(self, label: str, total: int | None) -> AbstractContextManager[Advance]:
        """Open a bar named `label`; the value of the context advances it by n of `total`."""
        ...


@contextmanager
def silent(label: str, total: int | None) -> Iterator[Advance]:  # noqa: ARG001
    """Show nothing."""

    def advance(n: int) -> None: ...

    yield advance
