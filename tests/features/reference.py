"""Every feature in plain Python: slow, obvious, and written without a look at the SQL."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from features import feature as kind
from features.feature import Feature
from tests.features.canonical import Row

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)


def reference(
    feature: Feature,
    moment: datetime,
    signed_up_at: datetime,
    events: Sequence[Row],
    customers: Sequence[Row],
) -> float | str | None:
    """The value of one feature at one moment.

    The rows are those of this customer alone, with events of the vocabulary only.
    """
    known = [e for e in events if e["occurred_at"] <= moment and e["received_at"] <= moment]
    seen = in_window(known, feature.window_days, moment, signed_up_at)
    value = VALUES[type(feature.aggregate)](
        feature, Past(moment, signed_up_at, known, seen, customers)
    )
    return feature.empty if value is None else value


class Past:
    def __init__(
        self,
        moment: datetime,
        signed_up_at: datetime,
        known: Sequence[Row],
        seen: Sequence[Row],
        customers: Sequence[Row],
    ) -> None:
        self.moment, self.signed_up_at = moment, signed_up_at
        self.known, self.seen, self.customers = known, seen, customers

    def of(self, names: Sequence[str]) -> list[Row]:
        return [e for e in self.seen if e["event"] in names]


def in_window(
    known: Sequence[Row], days: int | None, moment: datetime, signed_up_at: datetime
) -> list[Row]:
    if days is None:
        return [e for e in known if e["occurred_at"] >= signed_up_at]
    return [e for e in known if e["occurred_at"] > moment - days * DAY]


def in_days(span: timedelta) -> float:
    return (span // MICROSECOND) / (DAY // MICROSECOND)


def count(feature: Feature, past: Past) -> float:
    return float(len(past.of(feature.aggregate.events)))


def active_days(feature: Feature, past: Past) -> float:
    ages = {(past.moment - e["occurred_at"]) // DAY for e in past.of(feature.aggregate.events)}
    return float(len(ages))


def days_since(feature: Feature, past: Past) -> float | None:
    times = [e["occurred_at"] for e in past.of(feature.aggregate.events)]
    return in_days(past.moment - max(times)) if times else None


def hours_to_first(feature: Feature, past: Past) -> float | None:
    times = [
        e["occurred_at"]
        for e in past.of(feature.aggregate.events)
        if e["occurred_at"] >= past.signed_up_at
    ]
    if not times:
        return None
    return ((min(times) - past.signed_up_at) // MICROSECOND) / 3_600_000_000


def per_day(feature: Feature, past: Past) -> float:
    tenure = in_days(past.moment - past.signed_up_at)
    return count(feature, past) / max(1.0, min(float(feature.window_days or 0), tenure))


def trend(feature: Feature, past: Past) -> float | None:
    days, before = feature.window_days or 0, feature.aggregate.before_days
    start, end = past.moment - (days + before) * DAY, past.moment - days * DAY
    older = [
        e
        for e in past.known
        if e["event"] in feature.aggregate.events and start < e["occurred_at"] <= end
    ]
    now, then = count(feature, past) / days, len(older) / before
    return (now - then) / (now + then) if now + then else None


def variety(feature: Feature, past: Past) -> float:
    return float(sum(1 for group in feature.aggregate.groups if past.of(group)))


def share(feature: Feature, past: Past) -> float | None:
    whole = past.of(feature.aggregate.whole)
    return len(past.of(feature.aggregate.part)) / len(whole) if whole else None


def distinct(feature: Feature, past: Past) -> float:
    name = feature.aggregate.property
    return float(len({e[name] for e in past.seen if e.get(name) is not None}))


def decimals(feature: Feature, past: Past) -> list[Decimal]:
    name = feature.aggregate.property
    values = [e[name] for e in past.seen if e.get(name) is not None]
    return [Decimal(repr(v)) for v in values if math.isfinite(v) and abs(v) < 1e17]


def total(feature: Feature, past: Past) -> float | None:
    values = decimals(feature, past)
    return float(sum(values)) if values else None


def mean(feature: Feature, past: Past) -> float | None:
    values = decimals(feature, past)
    return float(sum(values)) / len(values) if values else None


def lengths(past: Past) -> list[int]:
    """Microseconds from a session's first event in the window to its last."""
    times: dict[str, list[datetime]] = {}
    for e in past.seen:
        if e.get("session_id") is not None:
            times.setdefault(e["session_id"], []).append(e["occurred_at"])
    return [(max(of_one) - min(of_one)) // MICROSECOND for of_one in times.values()]


def sessions(feature: Feature, past: Past) -> float:  # noqa: ARG001 - one shape for all
    return float(len(lengths(past)))


def session_minutes(feature: Feature, past: Past) -> float | None:  # noqa: ARG001 - one shape
    found = lengths(past)
    return float(sum(found)) / len(found) / 60_000_000 if found else None


def engagement(feature: Feature, past: Past) -> float:
    active, every = feature.aggregate.active, feature.aggregate.events
    happened = past.of(every)
    last = max((e["occurred_at"] for e in past.of(active)), default=None)
    days = {(past.moment - e["occurred_at"]) // DAY for e in past.of(active)}
    return 100 * (
        0.4 * (len(days) / (feature.window_days or 0))
        + 0.3 * (len(happened) / (len(happened) + 20))
        + 0.2 * (len({e["event"] for e in happened}) / len(every))
        + (0.1 / (1 + in_days(past.moment - last)) if last is not None else 0.0)
    )


def tenure(feature: Feature, past: Past) -> float:  # noqa: ARG001 - one shape for all
    return in_days(past.moment - past.signed_up_at)


def profile(feature: Feature, past: Past) -> float | str | None:
    versions = [c for c in past.customers if c["received_at"] <= past.moment]
    if not versions:
        return None
    value: Any = max(versions, key=lambda c: c["received_at"]).get(feature.aggregate.column)
    if value is None or isinstance(value, str):
        return value
    return float(value) if math.isfinite(value) else None


VALUES = {
    kind.Count: count,
    kind.ActiveDays: active_days,
    kind.DaysSince: days_since,
    kind.HoursToFirst: hours_to_first,
    kind.PerDay: per_day,
    kind.Trend: trend,
    kind.Variety: variety,
    kind.Share: share,
    kind.Distinct: distinct,
    kind.Sum: total,
    kind.Mean: mean,
    kind.Sessions: sessions,
    kind.SessionMinutes: session_minutes,
    kind.Engagement: engagement,
    kind.Tenure: tenure,
    kind.Profile: profile,
}
