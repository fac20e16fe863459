"""Where serving meets code that may fail in ways nobody listed, and must answer all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from lifecycle.errors import OnrampError
from serving.places import without_places

T = TypeVar("T")


@dataclass(frozen=True)
class Done(Generic[T]):
    value: T


@dataclass(frozen=True)
class Failed:
    """What went wrong, in one line that may be shown: it names no place of this machine."""

    reason: str


def attempt(step: Callable[[], T]) -> Done[T] | Failed:
    """Run the step; a failure of any kind becomes a value with its reason.

    A store, a registry and a model file each raise their libraries' own errors, and a server
    that has a fallback must use it whichever it was. Errors of ours are sentences and are
    passed on whole; of others only the kind and the first line, which hold no stack.
    """
    try:
        return Done(step())
    except OnrampError as error:
        return Failed(without_places(str(error)))
    except Exception as error:  # noqa: BLE001  the one place: see above
        lines = str(error).strip().splitlines()
        line = without_places(lines[0])[:300] if lines else "no message"
        return Failed(f"{type(error).__name__}: {line}")
