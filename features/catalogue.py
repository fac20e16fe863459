"""Which features a data set can carry: each one defined here, once.

A feature whose events or columns the data set lacks is left out. `catalogue` is pure: the same
data set gives the same features in the same order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from features.feature import (
    ActiveDays,
    Count,
    DaysSince,
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
from features.names import refuse_bad_names, refuse_leaks, refuse_our_columns
from lifecycle.dataset import DataSet
from lifecycle.errors import UnknownName

WINDOWS = (1, 7, 30)
LONG_WINDOWS = (7, 30)
SESSION = "session_id"


def catalogue(dataset: DataSet) -> tuple[Feature, ...]:
    """Every feature of the data set, behaviour first.

    Raises:
        DataError: two features would have one name, a name is unusable, or a column leaks.
    """
    refuse_our_columns(dataset)
    features = (
        *event_counts(dataset),
        *rhythm(dataset),
        *key_actions(dataset),
        *variety(dataset),
        *sessions(dataset),
        *values(dataset),
        *content_shares(dataset),
        *profile(dataset),
    )
    refuse_leaks(dataset, features)
    refuse_bad_names(dataset, features)
    return features


def select(patterns: tuple[str, ...], features: tuple[Feature, ...]) -> tuple[Feature, ...]:
    """The features that any of the patterns names, in catalogue order.

    Args:
        patterns: as in a shell: `count_*_7d`.
        features: the catalogue.

    Raises:
        UnknownName: a pattern names nothing.
    """
    for pattern in patterns:
        if not any(fnmatchcase(feature.name, pattern) for feature in features):
            raise UnknownName("feature", pattern, [feature.name for feature in features])
    return tuple(f for f in features if any(fnmatchcase(f.name, p) for p in patterns))


def event_counts(dataset: DataSet) -> Iterator[Feature]:
    events = dataset.vocabulary.events
    for event in events:
        for days in WINDOWS:
            yield Feature(
                name=f"count_{slug(event)}_{days}d", type="number", aggregate=Count((event,)),
                window_days=days, unit="events", meaning=f"How often {event!r} happened",
                empty=0.0, at_least=0.0, needs=(event,),
            )  # fmt: skip
    for days in WINDOWS:
        yield Feature(
            name=f"events_{days}d", type="number", aggregate=Count(events), window_days=days,
            unit="events", meaning="Events of any kind", empty=0.0, at_least=0.0, needs=events,
        )  # fmt: skip


def rhythm(dataset: DataSet) -> Iterator[Feature]:
    """How often, how lately, faster or slower."""
    events, active = dataset.vocabulary.events, dataset.vocabulary.active
    for days in LONG_WINDOWS:
        yield Feature(
            name=f"active_days_{days}d", type="number", aggregate=ActiveDays(active),
            window_days=days, unit="days", empty=0.0, at_least=0.0, at_most=float(days),
            meaning="Days with activity, of 24 hours counted back from the moment", needs=active,
        )  # fmt: skip
        yield Feature(
            name=f"events_per_day_{days}d", type="number", aggregate=PerDay(events),
            window_days=days, unit="events a day", empty=0.0, at_least=0.0, needs=events,
            meaning="Velocity: events over the days of the window since sign-up (at least one)",
        )  # fmt: skip
    yield Feature(
        name="days_since_last_activity", type="number", aggregate=DaysSince(active),
        unit="days", meaning="Recency: time since the last activity after sign-up",
        at_least=0.0, needs=active,
    )  # fmt: skip
    for event in events:
        yield Feature(
            name=f"days_since_last_{slug(event)}", type="number", aggregate=DaysSince((event,)),
            unit="days", meaning=f"Time since the last {event!r} after sign-up", at_least=0.0,
            needs=(event,),
        )  # fmt: skip
    for days, before in ((1, 6), (7, 7)):
        yield Feature(
            name=f"trend_{days}d", type="number", aggregate=Trend(events, before),
            window_days=days, empty=0.0, at_least=-1.0, at_most=1.0, needs=events,
            meaning=f"Events a day in the window against the {before} days before it: "
            "-1 stopped, 0 steady, 1 started",
        )  # fmt: skip
    yield Feature(
        name="engagement_score_7d", type="number", aggregate=Engagement(active, events),
        window_days=7, unit="points", empty=0.0, at_least=0.0, at_most=100.0, needs=events,
        meaning="40 % active days, 30 % events (half at 20), 20 % kinds of events, 10 % freshness",
    )  # fmt: skip


def key_actions(dataset: DataSet) -> Iterator[Feature]:
    actions = dataset.vocabulary.key_actions
    if not actions:
        return
    for days in WINDOWS:
        yield Feature(
            name=f"key_actions_{days}d", type="number", aggregate=Count(actions),
            window_days=days, unit="events", meaning="Key actions", empty=0.0, at_least=0.0,
            needs=actions,
        )  # fmt: skip
    yield Feature(
        name="hours_to_first_key_action", type="number", aggregate=HoursToFirst(actions),
        unit="hours", meaning="Time from sign-up to the first key action", at_least=0.0,
        needs=actions,
    )  # fmt: skip
    yield Feature(
        name="days_since_last_key_action", type="number", aggregate=DaysSince(actions),
        unit="days", meaning="Time since the last key action after sign-up", at_least=0.0,
        needs=actions,
    )  # fmt: skip


def variety(dataset: DataSet) -> Iterator[Feature]:
    events = dataset.vocabulary.events
    for days in WINDOWS:
        yield Feature(
            name=f"distinct_events_{days}d", type="number",
            aggregate=Variety(tuple((event,) for event in events)), window_days=days,
            unit="kinds", meaning="Different events", empty=0.0, at_least=0.0,
            at_most=float(len(events)), needs=events,
        )  # fmt: skip
    types = content_types(dataset)
    for days in LONG_WINDOWS if types else ():
        yield Feature(
            name=f"distinct_content_{days}d", type="number",
            aggregate=Variety(tuple(types.values())), window_days=days, unit="types",
            meaning="Different content types taken up", empty=0.0, at_least=0.0,
            at_most=float(len(types)), needs=tuple(dataset.vocabulary.content),
        )  # fmt: skip
    for name, column in dataset.properties.items():
        if column.type != "category" or name == SESSION:
            continue
        for days in LONG_WINDOWS:
            yield Feature(
                name=f"distinct_{slug(name)}_{days}d", type="number", aggregate=Distinct(name),
                window_days=days, unit="values", meaning=f"Different values: {column.meaning}",
                empty=0.0, at_least=0.0, needs=(name,),
            )  # fmt: skip


def sessions(dataset: DataSet) -> Iterator[Feature]:
    if SESSION not in dataset.properties:
        return
    for days in WINDOWS:
        yield Feature(
            name=f"sessions_{days}d", type="number", aggregate=Sessions(), window_days=days,
            unit="sessions", meaning="Sessions", empty=0.0, at_least=0.0, needs=(SESSION,),
        )  # fmt: skip
    yield Feature(
        name="sessions_since_sign_up", type="number", aggregate=Sessions(),
        unit="sessions", meaning="Sessions since sign-up", empty=0.0, at_least=0.0,
        needs=(SESSION,),
    )  # fmt: skip
    for days in LONG_WINDOWS:
        yield Feature(
            name=f"session_minutes_mean_{days}d", type="number", aggregate=SessionMinutes(),
            window_days=days, unit="minutes", meaning="Mean session length, first to last event",
            at_least=0.0, needs=(SESSION,),
        )  # fmt: skip


def values(dataset: DataSet) -> Iterator[Feature]:
    """Sums and means of each number that events carry."""
    for name, column in dataset.properties.items():
        if column.type == "category":
            continue
        # Only zero survives rounding to six decimals as a bound.
        least = 0.0 if column.at_least is not None and column.at_least >= 0 else None
        for days in WINDOWS:
            yield Feature(
                name=f"{slug(name)}_sum_{days}d", type="number", aggregate=Sum(name),
                window_days=days, unit=column.unit, meaning=f"Sum of: {column.meaning}",
                empty=0.0, at_least=least, needs=(name,),
            )  # fmt: skip
        yield Feature(
            name=f"{slug(name)}_mean_30d", type="number", aggregate=Mean(name),
            window_days=30, unit=column.unit, meaning=f"Mean of: {column.meaning}", at_least=least,
            needs=(name,),
        )  # fmt: skip


def content_types(dataset: DataSet) -> dict[str, tuple[str, ...]]:
    """Content type → the events that take it up, both in the order of the vocabulary."""
    types: dict[str, tuple[str, ...]] = {}
    for event, content in sorted(dataset.vocabulary.content.items()):
        types[content] = (*types.get(content, ()), event)
    return dict(sorted(types.items()))


def content_shares(dataset: DataSet) -> Iterator[Feature]:
    types = content_types(dataset)
    whole = tuple(event for events in types.values() for event in events)
    for content, events in types.items():
        for days in LONG_WINDOWS:
            yield Feature(
                name=f"share_{slug(content)}_{days}d", type="number",
                aggregate=Share(events, whole), window_days=days, at_least=0.0, at_most=1.0,
                meaning=f"Share of {content!r} in the content taken up", needs=events,
            )  # fmt: skip


def profile(dataset: DataSet) -> Iterator[Feature]:
    yield Feature(
        name="days_since_sign_up", type="number", aggregate=Tenure(), unit="days",
        meaning="Tenure: age of the customer relationship", at_least=0.0,
        view="customer_profile", needs=("signed_up_at",),
    )  # fmt: skip
    for name, column in dataset.profile.items():
        boolean = column.type == "boolean"
        yield Feature(
            name=f"profile_{slug(name)}",
            type="category" if column.type == "category" else "number",
            aggregate=Profile(name), unit=column.unit, meaning=column.meaning,
            at_least=0.0 if boolean else column.at_least,
            at_most=1.0 if boolean else column.at_most,
            view="customer_profile", needs=(name,),
        )  # fmt: skip


def slug(word: str) -> str:
    """A word of the data set as part of a column's name."""
    return re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_")
