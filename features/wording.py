"""A feature in words: what is computed of which events, over which window, within which bounds."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch

from features.feature import (
    ActiveDays,
    Aggregate,
    Count,
    DaysSince,
    Derived,
    Distinct,
    Engagement,
    Feature,
    HoursToFirst,
    Mean,
    PerDay,
    Profile,
    SessionMinutes,
    Sessions,
    Share,
    Sum,
    Tenure,
    Trend,
    Variety,
)

# More words than this are counted, not listed.
LISTED = 4


def computed(feature: Feature) -> str:
    """How the value comes about, as one sentence without a full stop."""
    if feature.view != "customer_behaviour":
        return said(feature.aggregate)
    if isinstance(feature.aggregate, DaysSince | HoursToFirst) or feature.window_days is None:
        known = "since sign-up, received by the moment"
    else:
        days = "day" if feature.window_days == 1 else "days"
        known = f"in the {feature.window_days} {days} before the moment, received by it"
    return f"{said(feature.aggregate)}; of events {known}"


def window(feature: Feature) -> str:
    if feature.view != "customer_behaviour":
        return "at the moment"
    return "since sign-up" if feature.window_days is None else f"{feature.window_days} d"


def bounds(feature: Feature) -> str:
    if feature.type == "category":
        return "text"
    low = "" if feature.at_least is None else f"{feature.at_least:g}"
    high = "" if feature.at_most is None else f"{feature.at_most:g}"
    return f"{low} … {high}".strip() if low or high else "any"


def empty(feature: Feature) -> str:
    """The value where nothing happened."""
    return "missing" if feature.empty is None else f"{feature.empty:g}"


def listed(words: Iterable[str]) -> str:
    """Words in a row; of many, the first few and how many more there are."""
    names = list(words)
    if len(names) <= LISTED + 1:
        return ", ".join(names)
    return f"{', '.join(names[:LISTED])} and {len(names) - LISTED} more"


@singledispatch
def said(aggregate: Aggregate) -> str:
    raise TypeError(f"{type(aggregate).__name__} has no words: add them to features/wording.py")


@said.register
def _count(aggregate: Count) -> str:
    return f"count of {listed(aggregate.events)}"


@said.register
def _active_days(aggregate: ActiveDays) -> str:
    return f"days of 24 hours, counted back from the moment, with any of {listed(aggregate.events)}"


@said.register
def _days_since(aggregate: DaysSince) -> str:
    return f"days from the last of {listed(aggregate.events)} to the moment"


@said.register
def _hours_to_first(aggregate: HoursToFirst) -> str:
    return f"hours from sign-up to the first of {listed(aggregate.events)}"


@said.register
def _per_day(aggregate: PerDay) -> str:
    return f"count of {listed(aggregate.events)} over the days with us (at least one)"


@said.register
def _trend(aggregate: Trend) -> str:
    return (
        f"(recent - before) / (recent + before), of {listed(aggregate.events)} a day; before are"
        f" the {aggregate.before_days} days that lie before the window"
    )


@said.register
def _variety(aggregate: Variety) -> str:
    groups = [" or ".join(group) for group in aggregate.groups]
    return f"how many of these happened at all: {listed(groups)}"


@said.register
def _share(aggregate: Share) -> str:
    return f"count of {listed(aggregate.part)} over count of {listed(aggregate.whole)}"


@said.register
def _distinct(aggregate: Distinct) -> str:
    return f"different values of the property {aggregate.property}"


@said.register
def _sum(aggregate: Sum) -> str:
    return f"sum of the property {aggregate.property}, exact to six decimals"


@said.register
def _mean(aggregate: Mean) -> str:
    return f"mean of the property {aggregate.property}, over the events that carry it"


@said.register
def _sessions(aggregate: Sessions) -> str:  # noqa: ARG001  singledispatch looks at its type
    return "different values of the property session_id"


@said.register
def _session_minutes(aggregate: SessionMinutes) -> str:  # noqa: ARG001  as above
    return "mean minutes from the first to the last event of each session_id"


@said.register
def _engagement(aggregate: Engagement) -> str:
    return (
        f"100 x (0.4 x share of days with any of {listed(aggregate.active)} + 0.3 x n / (n + 20)"
        f" of n events + 0.2 x share of the {len(aggregate.events)} kinds of events"
        " + 0.1 / (1 + days since the last activity))"
    )


@said.register
def _tenure(aggregate: Tenure) -> str:  # noqa: ARG001  as above
    return "days from sign-up to the moment"


@said.register
def _profile(aggregate: Profile) -> str:
    return f"the profile column {aggregate.column}, in the version received last by the moment"


@said.register
def _derived(aggregate: Derived) -> str:
    return f"{aggregate.expression}, of the other features of the moment"
