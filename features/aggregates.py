"""Each kind of aggregate as one SQL expression over the facts of a moment (`features.facts`).

The moment itself is `m`: `m.moment` and `m.signed_up_at`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from features.facts import DAY, HOUR, Facts
from features.feature import (
    ActiveDays,
    Count,
    DaysSince,
    Engagement,
    HoursToFirst,
    Mean,
    PerDay,
    Share,
    Sum,
    Trend,
    Variety,
)

TENURE = f"((epoch_us(m.moment) - epoch_us(m.signed_up_at)) / {DAY}::DOUBLE)"


@singledispatch
def render(aggregate: object, days: int | None, facts: Facts) -> str:  # noqa: ARG001 - one shape
    """The expression of one aggregate over its window; None: since sign-up.

    Raises:
        TypeError: it is no aggregate of single events.
    """
    message = f"no SQL over events for {aggregate!r} in {days} days"
    raise TypeError(message)


def kinds(facts: Facts, groups: Sequence[Sequence[str]], days: int | None) -> str:
    return " + ".join(f"({facts.number(group, days)} > 0)::INTEGER" for group in groups)


@render.register
def count(aggregate: Count, days: int | None, facts: Facts) -> str:
    return facts.number(aggregate.events, days)


@render.register
def active_days(aggregate: ActiveDays, days: int | None, facts: Facts) -> str:
    return facts.active(aggregate.events, days)


@render.register
def days_since(aggregate: DaysSince, days: int | None, facts: Facts) -> str:
    return f"{facts.nearest(aggregate.events, days)} / {DAY}::DOUBLE"


@render.register
def hours_to_first(aggregate: HoursToFirst, days: int | None, facts: Facts) -> str:
    return f"{facts.first(aggregate.events, days)} / {HOUR}::DOUBLE"


@render.register
def per_day(aggregate: PerDay, days: int | None, facts: Facts) -> str:
    known = TENURE if days is None else f"least({days}::DOUBLE, {TENURE})"
    return f"{facts.number(aggregate.events, days)} / greatest(1.0::DOUBLE, {known})"


@render.register
def trend(aggregate: Trend, days: int, facts: Facts) -> str:
    before, number = aggregate.before_days, facts.number(aggregate.events, days)
    whole = facts.number(aggregate.events, days + before)
    now = f"({number} / {days}::DOUBLE)"
    then = f"(({whole} - {number}) / {before}::DOUBLE)"
    return f"({now} - {then}) / nullif({now} + {then}, 0)"


@render.register
def variety(aggregate: Variety, days: int | None, facts: Facts) -> str:
    return kinds(facts, aggregate.groups, days)


@render.register
def share(aggregate: Share, days: int | None, facts: Facts) -> str:
    part, whole = facts.number(aggregate.part, days), facts.number(aggregate.whole, days)
    return f"{part} / nullif({whole}, 0)::DOUBLE"


@render.register
def total(aggregate: Sum, days: int | None, facts: Facts) -> str:
    return facts.total(aggregate.property, days)


@render.register
def mean(aggregate: Mean, days: int | None, facts: Facts) -> str:
    name = aggregate.property
    return f"{facts.total(name, days)} / nullif({facts.carriers(name, days)}, 0)"


@render.register
def engagement(aggregate: Engagement, days: int, facts: Facts) -> str:
    happened = facts.number(aggregate.events, days)
    every = [(event,) for event in aggregate.events]
    return (
        f"100.0::DOUBLE * (0.4::DOUBLE"
        f" * ({active_days(ActiveDays(aggregate.active), days, facts)} / {days}::DOUBLE)"
        f" + 0.3::DOUBLE * ({happened} / ({happened} + 20)::DOUBLE)"
        f" + 0.2::DOUBLE * (({kinds(facts, every, days)}) / {len(every)}::DOUBLE)"
        " + coalesce(0.1::DOUBLE"
        f" / (1.0::DOUBLE + {days_since(DaysSince(aggregate.active), days, facts)}), 0.0::DOUBLE))"
    )
