"""What may follow what, how long it may last, and which failures may pass."""

from __future__ import annotations

import re
import sqlite3
from concurrent.futures import BrokenExecutor
from datetime import timedelta
from pathlib import Path
from typing import get_args

import duckdb
import httpx
import pytest
import sqlalchemy.exc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException

from lifecycle.errors import Busy, DataError, NotReady, UsageError
from lifecycle.job_states import (
    DEADLINES,
    ENDS,
    LONGEST_PAUSE,
    MOVES,
    RETRIES,
    WORKING,
    State,
    check,
    fault_of,
)

PATIENT = settings(  # a busy machine draws slowly
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
PAGE = (Path(__file__).parents[2] / "docs" / "retraining.md").read_text(encoding="utf-8")
STATES: tuple[State, ...] = get_args(State)


def test_every_state_is_in_the_table_and_can_end() -> None:
    """From each state some end is reached; an end is final but for a dead letter."""
    assert set(MOVES) == set(STATES)
    assert {state for state in ENDS if MOVES[state]} == {"dead letter"}
    reached = set(ENDS)
    for _ in STATES:
        reached |= {state for state in STATES if MOVES[state] & reached}
    assert reached == set(STATES)


@PATIENT
@given(st.sampled_from(STATES), st.sampled_from(STATES))
def test_a_move_that_the_table_has_not_is_refused(before: State, after: State) -> None:
    """With the state, what it can become, and where to look."""
    if after in MOVES[before]:
        check(before, after)
        return
    with pytest.raises(UsageError, match=f"that is {before} cannot become {after}"):
        check(before, after)


def test_only_the_gate_promotes() -> None:
    """Nothing is promoted that was not judged, and work of a dead worker can always go on."""
    assert {state for state in STATES if "promoted" in MOVES[state]} == {
        "judging", "promoting", "awaiting approval",
    }  # fmt: skip
    assert all({"preparing", "requested", "dead letter"} <= MOVES[state] for state in WORKING)


def test_the_page_names_every_state_with_its_deadline() -> None:
    """Whoever is called at night finds the state, and what to do, in one table."""
    rows = dict(re.findall(r"^\| `([a-z ]+)` \| .*? \| ([^|]+) \| [^|]*\|$", PAGE, re.MULTILINE))
    assert {state for state in STATES if state not in rows} == set()
    for state, limit in DEADLINES.items():
        number, unit = rows[state].split()
        assert limit == timedelta(**{f"{unit.rstrip('s')}s": int(number)}), state


def test_every_open_state_has_a_deadline() -> None:
    """Nothing that is open is so for ever."""
    assert set(DEADLINES) == set(STATES) - ENDS


@PATIENT
@given(st.sampled_from(list(RETRIES)), st.integers(1, 500))
def test_pauses_grow_and_are_bounded(fault: str, failures: int) -> None:
    """Twice as long each time, never longer than is said."""
    retry = RETRIES[fault]  # type: ignore[index]
    assert timedelta(0) <= retry.pause(failures) <= retry.pause(failures + 1) <= retry.longest
    assert retry.longest <= LONGEST_PAUSE


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (Busy("held"), "busy"),
        (DataError("bad"), None),
        (NotReady("no features"), None),
        (caused(DataError("bad"), OSError("disk")), None),
        (ValueError("a bug"), None),
        (FileNotFoundError("gone"), None),
        (PermissionError("no"), None),
        (OSError(28, "No space left on device"), "passing"),
        (ConnectionResetError(), "passing"),
        (TimeoutError(), "passing"),
        (MemoryError(), "passing"),
        (BrokenExecutor("a worker was killed"), "passing"),
        (sqlite3.OperationalError("disk I/O error"), "passing"),
        (duckdb.OutOfMemoryException("of memory"), "passing"),
        (duckdb.BinderException("no such column"), None),
        (httpx.ConnectError("refused"), "passing"),
        (sqlalchemy.exc.OperationalError("select", {}, OSError()), "passing"),
        (MlflowException("(sqlite3.OperationalError) database is locked"), "passing"),
        (MlflowException("no such run"), None),
        (caused(RuntimeError("search"), MemoryError()), "passing"),
    ],
    ids=repr,
)
def test_what_may_pass_is_known(error: Exception, fault: str | None) -> None:
    """Held, out of memory, out of reach: again later. Bad data and bugs: never."""
    assert fault_of(error) == fault
