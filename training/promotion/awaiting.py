"""What waits for a person: the ledger's last word on each version says so, and no clock."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from mlflow.exceptions import MlflowException

from lifecycle import jobs, ledger
from lifecycle.errors import OnrampError, UnknownName
from lifecycle.home import Home
from lifecycle.job_states import End
from lifecycle.ledger import MOVES, Entry, Ledger
from lifecycle.moves import Moves, told
from lifecycle.registry import LONGEST_TAG, Registry
from training.promotion.standing import Standing, champion_row

AWAIT, APPROVE, REJECT = "await approval", "approve", "reject"
WORDS = (AWAIT, *MOVES, REJECT, "refuse", "cannot judge")
TAG = "approval"  # on the version: awaiting, or who approved or rejected it and why
WAITS = "awaiting"
FAILURES = (OnrampError, MlflowException, sqlite3.Error, OSError)


def awaiting(home: Home, task: str) -> Mapping[int, Entry]:
    """Version → the ledger row that it waits since, the newest version first."""
    last = Ledger(home).last(task, WORDS)
    waits = {int(version): row for version, row in last.items() if row.decision == AWAIT}
    return dict(sorted(waits.items(), reverse=True))


def stands(row: Entry, against: Standing) -> bool:
    """Whether the verdict that the row tells of is still of the present champion."""
    number = against.number
    return not against.lost and row.previous == (str(number) if number else None)


def last_word(home: Home, task: str, number: int) -> Entry | None:
    """The newest row that says what is to become of the version."""
    return Ledger(home).last(task, WORDS).get(str(number))


def tag_of(row: Entry | None, tag: str) -> str:
    """What the version's tag has to say by the ledger's last word on it; `tag`: what it says."""
    if row is None:
        return tag
    words = {
        AWAIT: f"{WAITS}, ledger row {row.number}",
        APPROVE: f"approved by {row.actor}, ledger row {row.number}",
        REJECT: f"rejected by {row.actor}: {row.why}",
    }
    judged_since = f"{row.decision}, ledger row {row.number}" if tag.startswith(WAITS) else tag
    return words.get(row.decision, judged_since)[:LONGEST_TAG]


def retag(home: Home, task: str, number: int) -> str:
    """Let the version's tag say what the ledger says; again after a kill, it changes nothing.

    Returns:
        Why it does not, for a person; empty when it does. A failure is never an error: what was
        decided is done, and the tag is for whoever reads MLflow's page.
    """
    try:
        row, registry = last_word(home, task, number), Registry(home)
        version = registry.version(task, number)
        tag = version.tags.get(TAG, "")
        if (text := tag_of(row, tag)) != tag:
            registry.tag(version, {TAG: text})
    except UnknownName:
        return f"Version {number} of {task} is not there any more: only the ledger tells of it."
    except FAILURES as error:
        return (
            f"The tag {TAG} of version {number} could not be written ({error}); the same command "
            f"again, or `onramp doctor --mend`, writes it."
        )
    return ""


def record(home: Home, entry: Entry, end: End) -> int:
    """A decision that moves nobody, with the end of a job that waited for its version."""
    with Moves(home).opened() as db:
        row = ledger.write(db, entry)
        jobs.decided(db, entry.task, int(entry.version or 0), end, told(entry))
        return row


def left_behind(home: Home, task: str) -> int | None:
    """The version that the newest change of champion rolled back from, if it was a rollback."""
    newest = champion_row(home, task)
    if newest is None or newest.decision != "roll back" or newest.previous is None:
        return None
    return int(newest.previous)
