"""What is due: pure functions of the schedule, of what was done, and of the time.

A run that was missed, however often, is made up for once. A verb that another process held back
is tried again; a run that a kill cut short goes on with the verb it was at, for each verb may be
killed and repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from lifecycle.errors import NO_FAILURE, Busy
from onramp.scheduler.schedule import Run
from onramp.scheduler.state import Mark

CUT_SHORT = 1
PAUSES = tuple(timedelta(minutes=n) for n in (1, 5, 15, 60))


def first(run: Run, now: datetime) -> Mark:
    """Of a run that was never seen: nothing before now was missed."""
    return Mark(name=run.name, since=now)


def next_time(run: Run, mark: Mark, now: datetime) -> datetime:
    """When the run has something to do next; it may be past."""
    # a clock that was set back must not silence a run until it has caught up
    if mark.step is not None:
        again = mark.again or mark.since
        return again if again - now <= PAUSES[-1] else now
    return run.cron.after(min(mark.since, now))


def due(runs: Sequence[Run], marks: Mapping[str, Mark], now: datetime) -> Run | None:
    """The run that has waited longest; of those that waited alike the first of the schedule.

    A run whose next step was not tried yet goes before: no other comes between its steps.
    """
    waiting = [
        (not (mark.step is not None and mark.attempts == 0), next_time(run, mark, now), n)
        for n, run in enumerate(runs)
        if next_time(run, mark := marks[run.name], now) <= now
    ]
    return runs[min(waiting)[-1]] if waiting else None


def begun(run: Run, mark: Mark, now: datetime) -> Mark:
    """The run's next step goes under way: that which it was at, else the first.

    What fell due meanwhile stays due: a run never begins anew before it has come to its end.
    """
    if mark.step is None or mark.step >= len(run.steps):
        return replace(mark, since=now, step=0, again=None, attempts=1, began_at=now)
    return replace(mark, again=None, attempts=mark.attempts + 1)


def ended(run: Run, mark: Mark, now: datetime, exit_code: int, said: str = "") -> Mark:
    """The step under way has ended: on to the next, again later, or the end of the run."""
    mark = replace(mark, exit_code=exit_code, said=said)
    step = mark.step or 0
    if exit_code in NO_FAILURE and step + 1 < len(run.steps):
        return replace(mark, step=step + 1, again=now, attempts=0)
    if exit_code == Busy.exit_code and mark.attempts <= len(PAUSES):
        return replace(mark, again=now + PAUSES[mark.attempts - 1])
    succeeded = now if exit_code in NO_FAILURE else mark.succeeded_at
    return replace(mark, step=None, again=None, attempts=0, ended_at=now, succeeded_at=succeeded)


def resumed(runs: Sequence[Run], marks: Mapping[str, Mark], now: datetime) -> dict[str, Mark]:
    """The marks of this schedule as a new process finds them."""
    return {
        run.name: after_a_kill(run, marks.get(run.name) or first(run, now), now) for run in runs
    }


def after_a_kill(run: Run, mark: Mark, now: datetime) -> Mark:
    """A step that was cut short is due at once, unless that befell it again and again."""
    if mark.step is None or mark.again is not None:
        return mark
    if mark.attempts > len(PAUSES):
        return ended(run, mark, now, CUT_SHORT, f"It was cut short {mark.attempts} times.")
    return replace(mark, again=now)
