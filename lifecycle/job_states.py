"""What may become of a retrain job: states, moves, deadlines and retries, as data.

requested → preparing → training → judging → promoting → promoted
                                   judging → refused | undecided
                                   judging → awaiting approval → promoted | refused | undecided
a working state → requested (tried again) | failed | superseded | dead letter
a working state → preparing (a dead worker's job, done again by the next)
dead letter → requested (a person says so)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from lifecycle.errors import Busy, OnrampError, UsageError

State = Literal[
    "requested", "preparing", "training", "judging", "awaiting approval", "promoting",
    "promoted", "refused", "undecided", "failed", "superseded", "dead letter",
]  # fmt: skip
End = Literal["promoted", "refused", "undecided", "failed", "superseded", "dead letter"]
Trigger = Literal["drift", "decay", "schedule", "labels", "hand"]
Fault = Literal["busy", "passing", "killed", "overdue"]

ENDS: frozenset[State] = frozenset(get_args(End))
WORKING: frozenset[State] = frozenset(("preparing", "training", "judging", "promoting"))
JUDGED: frozenset[State] = frozenset(("promoted", "refused", "undecided"))  # by the gate
OF_MONITORING: frozenset[Trigger] = frozenset(("drift", "decay"))
ANSWERS: frozenset[Trigger] = OF_MONITORING | {"hand"}  # that something is wrong
STEPPED_BACK: frozenset[State] = frozenset(
    ("preparing", "requested", "failed", "superseded", "dead letter")
)

MOVES: Mapping[State, frozenset[State]] = {
    "requested": frozenset(("preparing", "superseded", "dead letter")),
    "preparing": STEPPED_BACK | {"training", "judging"},
    "training": STEPPED_BACK | {"judging"},
    # promoted: it was the champion already
    "judging": STEPPED_BACK | JUDGED | {"awaiting approval", "promoting"},
    "awaiting approval": JUDGED | {"superseded", "dead letter"},
    "promoting": (STEPPED_BACK - {"superseded"}) | {"promoted"},
    "promoted": frozenset(),
    "refused": frozenset(),
    "undecided": frozenset(),
    "failed": frozenset(),
    "superseded": frozenset(),
    "dead letter": frozenset(("requested", "superseded")),
}

# How long a state may last. A worker that is past it loses the job to the next one, though it
# lives; a job that nobody works on becomes a dead letter.
DEADLINES: Mapping[State, timedelta] = {
    "requested": timedelta(days=14),
    "preparing": timedelta(hours=6),
    "training": timedelta(hours=24),
    "judging": timedelta(hours=2),
    "awaiting approval": timedelta(days=30),
    "promoting": timedelta(hours=1),
}


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How often something that failed is tried, and how long is waited before each."""

    most: int
    first: timedelta
    longest: timedelta

    def pause(self, failures: int) -> timedelta:
        """After so many failures; twice as long each time."""
        return min(self.first * 2.0 ** min(failures - 1, 30), self.longest)


AT_ONCE = timedelta(0)
RETRIES: Mapping[Fault, Retry] = {
    "busy": Retry(most=12, first=timedelta(minutes=1), longest=timedelta(hours=1)),
    "passing": Retry(most=6, first=timedelta(minutes=5), longest=timedelta(hours=4)),
    # whoever takes it over is there already
    "killed": Retry(most=4, first=AT_ONCE, longest=AT_ONCE),
    "overdue": Retry(most=2, first=AT_ONCE, longest=AT_ONCE),
}
LONGEST_PAUSE = max(retry.longest for retry in RETRIES.values())

MOST_CAUSES = 10
PASSING = (MemoryError, OSError, sqlite3.OperationalError, BrokenExecutor)
LASTING = (
    OnrampError, FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError,
)  # fmt: skip
# of libraries that need not be loaded to be known: DuckDB's and SQLAlchemy's, httpx's
PASSING_NAMES = frozenset(("OperationalError", "TransportError"))
PASSING_CODES = ("TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED")  # MLflow
PASSING_WORDS = ("database is locked", "API request to")  # MLflow's for a store it cannot reach


def check(before: State, after: State) -> None:
    """Let a move pass that the table has.

    Raises:
        UsageError: it has not.
    """
    if after not in MOVES[before]:
        raise UsageError(
            f"A retrain job that is {before} cannot become {after}.",
            found=f"It can become {', '.join(sorted(MOVES[before])) or 'nothing else'}.",
            do="See `onramp jobs` for where it stands.",
        )


def fault_of(error: BaseException) -> Fault | None:
    """What kind of failure that may pass this is; None: the same again would fail the same."""
    if isinstance(error, Busy):
        return "busy"
    seen: BaseException | None = error
    for _ in range(MOST_CAUSES):
        if seen is None or isinstance(seen, LASTING):
            return None
        if passes(seen):
            return "passing"
        seen = seen.__cause__
    return None


def passes(error: BaseException) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, PASSING) or names & PASSING_NAMES:
        return True
    code = getattr(error, "error_code", "")
    told = "MlflowException" in names and any(words in str(error) for words in PASSING_WORDS)
    return told or code in PASSING_CODES
