"""What `onramp status` says of the scheduler."""

from __future__ import annotations

from datetime import datetime

from lifecycle.errors import NO_FAILURE, Busy
from onramp.console import table
from onramp.scheduler.state import Mark, State

NEVER = "–"


def standing(state: State) -> str:
    """Whether it lives, in one sentence."""
    heard = f"last heard of at {moment(state.beat_at)}"
    if state.running:
        doing = f"; now: onramp {state.doing}" if state.doing else ""
        return f"The scheduler works since {moment(state.started_at)}, {heard}{doing}."
    how = "was stopped" if state.stopped else "was killed"
    return f"The scheduler {how}, {heard}. `onramp scheduler` goes on where it was."


def outcome(mark: Mark) -> str:
    """How a run ended last, or where it is."""
    if mark.step is not None and mark.exit_code == Busy.exit_code:
        return f"held back, try {mark.attempts + 1} follows"
    if mark.step is not None:
        return f"under way, step {mark.step + 1}"
    if mark.exit_code is None:
        return NEVER
    if mark.exit_code in NO_FAILURE:
        return "well"
    return f"failed with {mark.exit_code}{f': {mark.said}' if mark.said else ''}"


def lines(state: State) -> list[str]:
    """The whole of it: a sentence, and a row a run."""
    rows = [("run", "began", "ended", "next")]
    rows += [
        (name, moment(mark.began_at), outcome(mark), moment(state.next_at.get(name)))
        for name, mark in state.marks.items()
    ]
    return [standing(state), *(f"  {line}" for line in table(rows))]


def moment(when: datetime | None) -> str:
    return NEVER if when is None else f"{when:%Y-%m-%d %H:%M}"
