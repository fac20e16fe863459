"""Each kind of aggregate as one SQL expression over `seen` (see `features.sql`), by moment.

`age` is moment - occurred_at and `after` is occurred_at - signed_up_at, in whole microseconds.
Equal sub-expressions are computed once: DuckDB finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from features.feature import (
    ActiveDays,
    Count,
    DaysSince,
    Distinct,
    Engagement,
    HoursToFirst,
    Mean,
    PerDay,
    Share,
    Sum,
    Trend,
    Variety,
)
from lifecycle.sql import identifier, literals

HOUR = 3_600_000_000
DAY = 24 * HOUR

# Sums go by decimals: adding doubles gives other last bits in another order, and DuckDB's
# threads have no order. What does not fit (infinite, NaN, beyond 1e18) counts as missing.
EXACT = "DECIMAL(24, 6)"

TENURE = f"((epoch_us(m.moment) - epoch_us(m.signed_up_at)) / {DAY}::DOUBLE)"


@singledispatch
def render(aggregate: object, days: int | None) -> str:
    """The expression of one aggregate over its window; None: since sign-up.

    Raises:
        TypeError: it is no aggregate of single events.
    """
    message = f"no SQL over events for {aggregate!r} in {days} days"
    raise TypeError(message)


def within(days: int | None) -> str:
    return "after >= 0" if days is None else f"age < {days * DAY}"


def number(events: Sequence[str], when: str) -> str:
    return f"count(*) FILTER (WHERE {chosen(events, when)})"


def chosen(events: Sequence[str], when: str) -> str:
    return f"event IN ({literals(tuple(events))}) AND {when}"


def exact(name: str) -> str:
    return f"TRY_CAST({identifier(name)}::DOUBLE AS {EXACT})"


def kinds(groups: Sequence[Sequence[str]], when: str) -> str:
    return " + ".join(f"({number(group, when)} > 0)::INTEGER" for group in groups)


@render.register
def count(aggregate: Count, days: int | None) -> str:
    return number(aggregate.events, within(days))


@render.register
def active_days(aggregate: ActiveDays, days: int | None) -> str:
    """One bit a day: many times cheaper than counting distinct days."""
    bits = f"bit_or(1::BIGINT << least(age // {DAY}, 62)::INTEGER)"
    return f"coalesce(bit_count({bits} FILTER (WHERE {chosen(aggregate.events, within(days))})), 0)"


@render.register
def days_since(aggregate: DaysSince, days: int | None) -> str:
    return f"min(age) FILTER (WHERE {chosen(aggregate.events, within(days))}) / {DAY}::DOUBLE"


@render.register
def hours_to_first(aggregate: HoursToFirst, days: int | None) -> str:
    when = f"{chosen(aggregate.events, within(days))} AND after >= 0"
    return f"min(after) FILTER (WHERE {when}) / {HOUR}::DOUBLE"


@render.register
def per_day(aggregate: PerDay, days: int | None) -> str:
    known = TENURE if days is None else f"least({days}::DOUBLE, {TENURE})"
    return f"{number(aggregate.events, within(days))} / greatest(1.0::DOUBLE, {known})"


@render.register
def trend(aggregate: Trend, days: int) -> str:
    before = aggregate.before_days
    now = f"({number(aggregate.events, within(days))} / {days}::DOUBLE)"
    older = f"age >= {days * DAY} AND age < {(days + before) * DAY}"
    then = f"({number(aggregate.events, older)} / {before}::DOUBLE)"
    return f"({now} - {then}) / nullif({now} + {then}, 0)"


@render.register
def variety(aggregate: Variety, days: int | None) -> str:
    return kinds(aggregate.groups, within(days))


@render.register
def share(aggregate: Share, days: int | None) -> str:
    when = within(days)
    return f"{number(aggregate.part, when)} / nullif({number(aggregate.whole, when)}, 0)::DOUBLE"


@render.register
def distinct(aggregate: Distinct, days: int | None) -> str:
    return f"count(DISTINCT {identifier(aggregate.property)}) FILTER (WHERE {within(days)})"


@render.register
def total(aggregate: Sum, days: int | None) -> str:
    return f"sum({exact(aggregate.property)}) FILTER (WHERE {within(days)})::DOUBLE"


@render.register
def mean(aggregate: Mean, days: int | None) -> str:
    name = exact(aggregate.property)
    carriers = f"count({name}) FILTER (WHERE {within(days)})"
    return f"{total(Sum(aggregate.property), days)} / nullif({carriers}, 0)"


@render.register
def engagement(aggregate: Engagement, days: int) -> str:
    when = within(days)
    happened = number(aggregate.events, when)
    every = [(event,) for event in aggregate.events]
    return (
        f"100.0::DOUBLE * (0.4::DOUBLE"
        f" * ({active_days(ActiveDays(aggregate.active), days)} / {days}::DOUBLE)"
        f" + 0.3::DOUBLE * ({happened} / ({happened} + 20)::DOUBLE)"
        f" + 0.2::DOUBLE * (({kinds(every, when)}) / {len(every)}::DOUBLE)"
        " + coalesce(0.1::DOUBLE"
        f" / (1.0::DOUBLE + {days_since(DaysSince(aggregate.active), days)}), 0.0::DOUBLE))"
    )
