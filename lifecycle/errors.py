"""Every error that Onramp raises on purpose.

OnrampError
├── UsageError        2   the command was given something it cannot take
│   └── UnknownName   2   a name that nothing has, with the nearest one that something does
├── DataError         3   the data cannot be used as it is
│   └── Unsupported   3   the data set cannot carry this task or feature
├── NotReady          4   something this step needs has not been made yet
├── Busy              5   another process holds what this step needs
├── Refused          10   the gate said no
├── Undecided        11   the gate could not measure, so nothing was promoted
├── Differs          12   what was made again is not what it was
└── Awaits           13   the gate said yes; a person has not yet

The number is the exit code: a scheduler may trust it. 0 is done; 1 is a failure nobody foresaw.
The gate's no, its silence and the wait for a person (10, 11, 13) are outcomes and no failures.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

# More names than these hide the one that was meant.
MOST_NAMED = 20


class OnrampError(Exception):
    """What went wrong, what was found, and what to do about it, in that order."""

    exit_code = 1

    def __init__(self, what: str, *, found: str = "", do: str = "") -> None:
        self.what, self.found, self.do = what, found, do
        super().__init__(" ".join(part for part in (what, found, do) if part))


class UsageError(OnrampError):
    exit_code = 2


class UnknownName(UsageError):
    """A name that nothing has: `No task named 'chrun'. Known tasks: churn, preference.`."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=5)
        self.name, self.known = name, tuple(names)
        found = f"Known {kind}s: {', '.join(names) or 'none'}."
        if len(names) > MOST_NAMED:
            nearest = f", nearest: {', '.join(near)}" if near else ""
            found = f"{len(names)} {kind}s are known{nearest}."
        super().__init__(
            f"No {kind} named {name!r}.",
            found=found,
            do=f"Did you mean {near[0]!r}?" if near else "",
        )


class DataError(OnrampError):
    exit_code = 3


class Unsupported(DataError):
    """The data set lacks what a task or a feature needs."""


class NotReady(OnrampError):
    exit_code = 4


class Busy(OnrampError):
    exit_code = 5


class Refused(OnrampError):
    exit_code = 10


class Undecided(OnrampError):
    exit_code = 11


class Differs(OnrampError):
    exit_code = 12


class Awaits(OnrampError):
    exit_code = 13


NO_FAILURE = frozenset({0, Refused.exit_code, Undecided.exit_code, Awaits.exit_code})
