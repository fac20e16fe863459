"""A feature: one thing we know of a customer at a moment, as a frozen value.

From the value come the SQL (`features.sql`), Feast's schema (`feature_repo`), the bounds that
built rows are held to (`features.check`) and the data dictionary (`onramp.dictionary`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

FeatureType = Literal["number", "category"]
View = Literal["customer_behaviour", "customer_profile", "customer_segments"]

# The views that are computed from events and profiles. Segments are computed from these.
VIEWS: tuple[View, ...] = ("customer_behaviour", "customer_profile")
KEYS = ("customer_id", "event_timestamp", "created_at")


@dataclass(frozen=True)
class Count:
    """How many of these events."""

    events: tuple[str, ...]


@dataclass(frozen=True)
class ActiveDays:
    """Days with at least one of these events, in days of 24 hours counted back from the moment.

    Counted from the moment and not by the calendar: no time zone, no short first day, and
    summer time changes nothing.
    """

    events: tuple[str, ...]


@dataclass(frozen=True)
class DaysSince:
    """Days from the last of these events to the moment."""

    events: tuple[str, ...]


@dataclass(frozen=True)
class HoursToFirst:
    """Hours from sign-up to the first of these events."""

    events: tuple[str, ...]


@dataclass(frozen=True)
class PerDay:
    """Events a day: the count over the days of the window that the customer was with us."""

    events: tuple[str, ...]


@dataclass(frozen=True)
class Trend:
    """(recent - before) / (recent + before), of events a day; 0 when there were none.

    `recent` is the window; `before` are the days that lie before it.
    """

    events: tuple[str, ...]
    before_days: int


@dataclass(frozen=True)
class Variety:
    """How many of these groups of events happened at all."""

    groups: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Share:
    """Count of `part` over count of `whole`."""

    part: tuple[str, ...]
    whole: tuple[str, ...]


@dataclass(frozen=True)
class Distinct:
    """How many different values of a category property."""

    property: str


@dataclass(frozen=True)
class Sum:
    """Sum of a number property, exact to six decimals."""

    property: str


@dataclass(frozen=True)
class Mean:
    """Mean of a number property, over the events that carry it."""

    property: str


@dataclass(frozen=True)
class Sessions:
    """How many different sessions."""


@dataclass(frozen=True)
class SessionMinutes:
    """Mean length of a session, from its first event in the window to its last."""


@dataclass(frozen=True)
class Engagement:
    """0 to 100: days, events, variety and freshness in one number.

    100 * (0.4 * active days / days of the window + 0.3 * n / (n + 20)
           + 0.2 * kinds of events / kinds there are + 0.1 / (1 + days since the last activity))

    The event count n saturates: its half is reached at 20 events. Only sums and quotients, so
    that every machine gives the same bits.
    """

    active: tuple[str, ...]
    events: tuple[str, ...]


@dataclass(frozen=True)
class Tenure:
    """Days from sign-up to the moment."""


@dataclass(frozen=True)
class Profile:
    """A column of the customer's profile, in the version that was received last."""

    column: str


@dataclass(frozen=True)
class Derived:
    """An expression over the other features of the same moment: a segment, a score."""

    expression: str


BehaviourAggregate = (
    Count | ActiveDays | DaysSince | HoursToFirst | PerDay | Trend | Variety | Share
    | Distinct | Sum | Mean | Sessions | SessionMinutes | Engagement
)  # fmt: skip
Aggregate = BehaviourAggregate | Tenure | Profile | Derived


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One feature.

    Attributes:
        aggregate: what is computed of the events (or the profile) known at the moment.
        window_days: events with `moment - window < occurred_at <= moment`; None: since sign-up.
        empty: the value where nothing happened; None: missing.
        at_least, at_most: bounds, inclusive; a row outside goes to quarantine.
        needs: words of the data set it is made of, for lineage.
    """

    name: str
    type: FeatureType
    aggregate: Aggregate
    window_days: int | None = None
    unit: str = ""
    meaning: str
    empty: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    view: View = "customer_behaviour"
    needs: tuple[str, ...] = ()

    @property
    def definition(self) -> str:
        """Hash of what decides the values: a change of wording is no new definition."""
        facts = (self.name, self.type, self.aggregate, self.window_days, self.empty, self.view)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
