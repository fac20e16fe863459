"""What arrives, source by source: how long each has been silent, what came late, what came twice.

When one feed dies and another goes on, the newest row of all still moves, and with it the time up
to which moments and labels count as known. So each source is asked on its own: events as a whole,
each kind of event, and profiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import duckdb

from features.moments import timestamp
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from monitoring.quality import Breach
from monitoring.windows import Span

EVENTS, PROFILES = "events", "profiles"
Days = Mapping[str, Sequence[datetime]]


@dataclass(frozen=True, kw_only=True)
class Silences:
    """How long a source may be silent.

    Attributes:
        quiet_days: days that are fine even where there never were any.
        quiet_factor: how many times the longest silence before is fine, of all events.
        kind_factor: the same of one kind of event, and of profiles: there are many, and a rare
            one is silent by chance.
        least_days: days of receipt without which a kind has no rhythm to be held to.
    """

    quiet_days: float = 2.0
    quiet_factor: float = 1.5
    kind_factor: float = 3.0
    least_days: int = 14


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Events received in a span.

    Attributes:
        late: received more than a day after they happened, share.
        twice: the same customer, event and instant as another of them, under another id, share.
    """

    events: int
    late: float
    twice: float


@dataclass(frozen=True, kw_only=True)
class Rise:
    """From where on late and double events count as broken.

    Attributes:
        least_events: on both sides.
        late, twice: rise of the share over that of the four windows before.
    """

    least_events: int = 200
    late: float = 0.25
    twice: float = 0.10


def arrivals(home: Home, span: Span) -> tuple[Breach, ...]:
    """Everything that is wrong with what arrived up to the end of the span."""
    length = span.end - span.start
    before = Span(start=span.start - 4 * length, end=span.start)
    with EventStore(home).connect(home.dataset()) as db:
        known = days_received(db, span.end)
        was, now = rates(db, before), rates(db, span)
    return (*silent(known, span.end), *risen(was, now))


def days_received(db: duckdb.DuckDBPyConnection, as_of: datetime) -> Days:
    """Source → the last receipt of each day that had one, oldest first."""
    rows = db.execute(f"""
SELECT source, max(received_at) FROM (
  SELECT event AS source, received_at FROM events
  UNION ALL SELECT NULL, received_at FROM customers
) WHERE received_at <= {timestamp(as_of)}
GROUP BY source, date_trunc('day', received_at) ORDER BY 2""").fetchall()
    found: dict[str, list[datetime]] = {EVENTS: [], PROFILES: []}
    for event, received in rows:
        source = PROFILES if event is None else f"{event} {EVENTS}"
        found.setdefault(source, []).append(received.replace(tzinfo=UTC))
        if event is not None:
            found[EVENTS].append(received.replace(tzinfo=UTC))
    return found


def silent(known: Days, as_of: datetime, allowed: Silences = Silences()) -> tuple[Breach, ...]:
    """Sources that have gone quiet; without any event nothing is said of each kind."""
    everything = freshness(EVENTS, known[EVENTS], as_of, allowed.quiet_factor, allowed)
    kinds = [
        freshness(source, days, as_of, allowed.kind_factor, allowed)
        for source, days in known.items()
        if source != EVENTS
        and (everything is None or source == PROFILES)
        and len(days) >= allowed.least_days
    ]
    return tuple(breach for breach in (everything, *kinds) if breach is not None)


def freshness(
    source: str, days: Sequence[datetime], as_of: datetime, factor: float, allowed: Silences
) -> Breach | None:
    """How long nothing has been received, against the longest such spell before.

    Args:
        source: what is asked of.
        days: when something was received, one instant a day at least, in order.
        as_of: now.
        factor: how many times the longest spell is fine.
        allowed: how much is fine anyway.
    """
    if not days:
        return None
    a_day = timedelta(days=1)
    longest = max((later - sooner for sooner, later in pairwise(days)), default=timedelta(0))
    limit = max(allowed.quiet_days * a_day, factor * longest)
    silence = as_of - days[-1]
    if silence <= limit:
        return None
    nothing = "nothing was" if source == EVENTS else f"no {source} were"
    return Breach(
        check="freshness", column="" if source == EVENTS else source, value=silence / a_day,
        limit=limit / a_day,
        words=f"{nothing} received for {silence / a_day:.1f} days; "
        f"the longest silence before was {longest / a_day:.1f}",
    )  # fmt: skip


def rates(db: duckdb.DuckDBPyConnection, span: Span) -> Rates:
    """Of the events received in the span; equal ids never get into the store twice."""
    found = db.execute(f"""
SELECT count(*), count(*) FILTER (received_at - occurred_at > INTERVAL 1 DAY),
  count(*) - count(DISTINCT (customer_id, event, occurred_at))
FROM events
WHERE received_at > {timestamp(span.start)} AND received_at <= {timestamp(span.end)}""").fetchone()
    events, late, twice = found or (0, 0, 0)
    return Rates(events=events, late=late / max(events, 1), twice=twice / max(events, 1))


def risen(was: Rates, now: Rates, limits: Rise = Rise()) -> tuple[Breach, ...]:
    """Shares that rose by more than customers can make them rise."""
    if min(was.events, now.events) < limits.least_events:
        return ()
    checks = (
        ("late events", now.late, was.late, limits.late, "came more than a day late"),
        ("duplicates", now.twice, was.twice, limits.twice, "came twice under another id"),
    )
    return tuple(
        Breach(
            check=check, column="", value=share, limit=before + rise,
            words=f"{share:.0%} of the events {what}; {before:.0%} did in the four windows before",
        )
        for check, share, before, rise, what in checks
        if share > before + rise
    )  # fmt: skip
