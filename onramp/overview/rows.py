"""Jobs and decisions, read beside their writers: no lock is taken and no table made or mended."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

from lifecycle.home import Home
from lifecycle.ledger import MONITOR, MOVES
from lifecycle.sqlite import reading

T = TypeVar("T", "JobRow", "Decision")


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """A retrain job. Times are in ISO 8601; `outcome` is JSON."""

    id: str
    task: str
    state: str
    why: str
    requested_by: str
    requested_at: str
    ended_at: str | None
    attempts: int
    outcome: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A row of the ledger."""

    number: int
    at: str
    actor: str
    task: str
    decision: str
    why: str
    version: str | None


@dataclass(frozen=True, kw_only=True)
class JobCount:
    """How many jobs of a task are in a state, and since when the oldest waits to end."""

    task: str
    state: str
    jobs: int
    open_since: str | None


def jobs(home: Home, most: int) -> tuple[JobRow, ...]:
    """The newest jobs, newest first.

    Raises:
        DataError: the database is none, or damaged.
        sqlite3.Error: it cannot be read otherwise.
    """
    return newest(home, "jobs", JobRow, most)


def decisions(home: Home, most: int) -> tuple[Decision, ...]:
    """The newest rows of the ledger, newest first; errors as `jobs`."""
    return newest(home, "ledger", Decision, most)


def counts(home: Home) -> tuple[JobCount, ...]:
    """All jobs by task and state; errors as `jobs`."""
    with reading(home.platform, "jobs") as db:
        if db is None:
            return ()
        rows = db.execute(
            "SELECT task, state, count(*), min(requested_at) FILTER (WHERE ended_at IS NULL)"
            " FROM jobs GROUP BY task, state ORDER BY task, state"
        ).fetchall()
    return tuple(JobCount(task=t, state=s, jobs=n, open_since=since) for t, s, n, since in rows)


def promotions(home: Home) -> dict[str, Decision]:
    """Task → the newest decision that made a version champion; errors as `jobs`."""
    names = ", ".join(field.name for field in fields(Decision))
    marks = ", ".join("?" * len(MOVES))
    with reading(home.platform, "ledger") as db:
        if db is None:
            return {}
        found = db.execute(
            f"SELECT {names} FROM ledger WHERE number IN (SELECT max(number) FROM ledger"
            f" WHERE actor <> ? AND decision IN ({marks}) GROUP BY task)",
            (MONITOR, *MOVES),
        ).fetchall()
    return {row["task"]: Decision(**dict(row)) for row in found}


def newest(home: Home, table: str, shape: type[T], most: int) -> tuple[T, ...]:
    names = ", ".join(field.name for field in fields(shape))
    with reading(home.platform, table) as db:
        if db is None:
            return ()
        found = db.execute(
            f"SELECT {names} FROM {table} ORDER BY rowid DESC LIMIT ?", (most,)
        ).fetchall()
    values: list[dict[str, Any]] = [dict(row) for row in found]
    return tuple(shape(**row) for row in values)
