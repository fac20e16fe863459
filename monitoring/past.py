"""What was decided before, read from the ledger and the jobs: nothing is counted up in a process.

Everything here is on the data's clock. Verdicts are those on earlier windows; a retrain counts
from when it was judged, on this window's data too: what it tried need not be tried again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from lifecycle.home import Home
from lifecycle.job import Job
from lifecycle.job_states import ANSWERS, JUDGED, Trigger
from lifecycle.jobs import Jobs
from lifecycle.ledger import Entry, Ledger
from lifecycle.task import Monitor
from monitoring.evidence import Past

ACTOR = "monitor"
KEPT = 12  # earlier verdicts that are evidence: enough for every alarm that can still stand
MONTH = timedelta(days=30)
MOST_DOUBLED = 4  # sixteen windows: a world that nothing learns is looked at three times a year


@dataclass(frozen=True, kw_only=True)
class Retrains:
    """The retrains before a window, as triage needs them.

    Attributes:
        last: when one that something was wrong for was last judged, on the data's clock.
        ready: when another may be asked for; None: at once.
        this_month: how many monitoring asked for in thirty days.
    """

    last: datetime | None = None
    ready: datetime | None = None
    this_month: int = 0


class Tried(Protocol):
    """A retrain job, as far as it is read."""

    @property
    def as_of(self) -> str: ...

    @property
    def state(self) -> str: ...

    @property
    def requested_by(self) -> str: ...

    @property
    def trigger(self) -> Trigger: ...


def history(home: Home, task: str, before: datetime) -> tuple[Past, ...]:
    """Monitoring's verdicts on windows that ended earlier, newest first, one a window."""
    # a window that was looked at again has a row for each change; the last one holds
    rows = Ledger(home).select("task = ? AND actor = ?", (task, ACTOR), newest=10 * KEPT)
    found: dict[datetime, Past] = {}
    for row in rows:
        past = past_of(row)
        if past is not None and past.as_of < before:
            found.setdefault(past.as_of, past)
    return tuple(found[when] for when in sorted(found, reverse=True)[:KEPT])


def past_of(row: Entry) -> Past | None:
    """The ledger's row as evidence; rows of before windows were named in them are none."""
    known = row.evidence
    if "as_of" not in known or row.version is None:
        return None
    return Past(
        as_of=utc(str(known["as_of"])),
        outcome=row.decision,
        version=int(row.version),
        rules=tuple(known.get("rules", ())),
        drifted=tuple(known.get("drifted", ())),
        newest=str(known.get("newest", "")),
    )


def retrains(home: Home, task: str, monitor: Monitor, as_of: datetime,
             verdicts: Sequence[Past] = ()) -> Retrains:  # fmt: skip
    """How often and how lately a retrain was tried, and until when the next one waits."""
    return retrains_of(Jobs(home).read(task), monitor, as_of, verdicts)


def retrains_of(
    jobs: Sequence[Tried], monitor: Monitor, as_of: datetime, verdicts: Sequence[Past] = ()
) -> Retrains:
    """The same, from jobs that were read.

    The wait is one window, and doubles with every retrain that was judged since the model was
    last seen to be fine: what did not help last week will hardly help this week. Retrains by the
    calendar are no such answers: they hold back more, to show that nothing is lost, and would
    keep decay waiting for ever. What was superseded was never tried.

    Args:
        jobs: of the task, in any order.
        monitor: length of a window.
        as_of: end of the window that is looked at.
        verdicts: earlier ones, newest first.
    """
    judged = sorted(
        utc(job.as_of) for job in jobs if job.state in JUDGED and job.trigger in ANSWERS
    )
    asked = [
        utc(job.as_of) for job in jobs if job.requested_by == ACTOR and job.state != "superseded"
    ]
    this_month = sum(as_of - MONTH < when < as_of for when in asked)
    if not judged:
        return Retrains(this_month=this_month)
    fine = max((past.as_of for past in verdicts if past.newest == "fine" and not past.alarmed),
               default=None)  # fmt: skip
    in_vain = sum(1 for when in judged if fine is None or when > fine)
    wait = timedelta(days=monitor.window_days) * 2 ** min(max(in_vain - 1, 0), MOST_DOUBLED)
    return Retrains(last=judged[-1], ready=judged[-1] + wait, this_month=this_month)


def asked_for(jobs: Iterable[Job], as_of: datetime) -> Job | None:
    """The newest job that something was wrong for, of data as new as these; None: there is none.

    Args:
        jobs: of the task, newest first.
        as_of: of the data.
    """
    return next((job for job in jobs if job.trigger in ANSWERS and utc(job.as_of) >= as_of), None)


def utc(text: str) -> datetime:
    """An ISO 8601 time; without a zone it is UTC."""
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)
