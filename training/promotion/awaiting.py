"""What waits for a person: the ledger's last word on each version says so, and no clock."""

from __future__ import annotations

from collections.abc import Mapping

from lifecycle import jobs, ledger
from lifecycle.home import Home
from lifecycle.jobs import End
from lifecycle.ledger import MOVES, Entry, Ledger
from lifecycle.moves import Moves, told
from lifecycle.registry import Registry, Version
from training.promotion.standing import Standing, champion_row

AWAIT = "await approval"
WORDS = (AWAIT, *MOVES, "reject", "refuse", "cannot judge")
TAG = "approval"  # on the version: awaiting, or who approved or rejected it and why


def awaiting(home: Home, task: str) -> Mapping[int, Entry]:
    """Version → the ledger row that it waits since, the newest version first."""
    last = Ledger(home).last(task, WORDS)
    waits = {int(version): row for version, row in last.items() if row.decision == AWAIT}
    return dict(sorted(waits.items(), reverse=True))


def stands(row: Entry, against: Standing) -> bool:
    """Whether the verdict that the row tells of is still of the present champion."""
    number = against.number
    return not against.lost and row.previous == (str(number) if number else None)


def ask(home: Home, registry: Registry, version: Version, entry: Entry) -> int:
    """Let the version wait for a person; returns the ledger row."""
    row = Ledger(home).append(entry)
    registry.tag(version, {TAG: f"awaiting, ledger row {row}"})
    return row


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
