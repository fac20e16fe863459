"""What a feature's value tells a person who never saw a table: a phrase, a unit, what a gap means.

A phrase is made to stand before a value: *Time since the last activity after sign-up: 12 days*.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

from features.catalogue import catalogue
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
    Sessions,
    Share,
    Sum,
    Tenure,
    Trend,
    Variety,
)
from lifecycle.dataset import DataSet

SHARE, FLAG, TIMES = "share", "flag", "times"  # units that say how a number is written


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """A feature in words.

    Attributes:
        words: what the value is of, window included; no full stop.
        unit: said after the number; `share` is written in per cent, `flag` as yes or no.
        absent: what a missing value says.
    """

    words: str
    unit: str = ""
    absent: str = "not known"


def meanings(dataset: DataSet) -> dict[str, Meaning]:
    """Every feature of the data set's catalogue in words, by name."""
    flags = {name for name, column in dataset.profile.items() if column.type == "boolean"}
    return {
        feature.name: meaning(
            feature,
            flag=isinstance(feature.aggregate, Profile) and feature.aggregate.column in flags,
        )
        for feature in catalogue(dataset)
    }


def meaning(feature: Feature, *, flag: bool = False) -> Meaning:
    """One feature in words.

    Args:
        feature: of the catalogue.
        flag: its numbers are 0 for no and 1 for yes.
    """
    words = phrase(feature.aggregate, feature)
    if feature.window_days is not None:
        days = "day" if feature.window_days == 1 else f"{feature.window_days} days"
        words += f"{',' if set(words) & set(',(') else ''} in the last {days}"
    unit = FLAG if flag else unit_of(feature)
    return Meaning(words=words[:1].upper() + words[1:], unit=unit, absent=gap(feature.aggregate))


@singledispatch
def phrase(aggregate: Aggregate, feature: Feature) -> str:  # noqa: ARG001  # its type is asked
    """What the value is of: mostly the catalogue's own words, without its remarks."""
    return feature.meaning.partition(";")[0]


@phrase.register
def _of_property(aggregate: Sum | Mean | Distinct, feature: Feature) -> str:  # noqa: ARG001  # as above
    # the catalogue says "Sum of: Worth of the line"
    said, _, about = feature.meaning.partition(";")[0].partition(": ")
    said = said if said.endswith(" of") else f"{said} of"
    return f"{said} {about[:1].lower() if about[1:2].islower() else about[:1]}{about[1:]}"


@phrase.register
def _active_days(aggregate: ActiveDays, feature: Feature) -> str:  # noqa: ARG001  # as above
    return "Days with activity"


@phrase.register
def _per_day(aggregate: PerDay, feature: Feature) -> str:  # noqa: ARG001  # as above
    return "Events a day"


@phrase.register
def _since(aggregate: DaysSince, feature: Feature) -> str:  # noqa: ARG001  # as above
    return feature.meaning.removeprefix("Recency: ")


@phrase.register
def _trend(aggregate: Trend, feature: Feature) -> str:  # noqa: ARG001  # as above
    before = aggregate.before_days
    return f"Events a day against the {before} days before (-1 stopped, 0 steady, 1 started)"


@phrase.register
def _engagement(aggregate: Engagement, feature: Feature) -> str:  # noqa: ARG001  # as above
    return "Engagement score (0 to 100)"


@phrase.register
def _tenure(aggregate: Tenure, feature: Feature) -> str:  # noqa: ARG001  # as above
    return "Time since sign-up"


def unit_of(feature: Feature) -> str:
    """How the number is written, unless the phrase says what it counts."""
    aggregate = feature.aggregate
    if isinstance(aggregate, Share):
        return SHARE
    if isinstance(aggregate, Count) and feature.meaning.startswith("How often"):
        return TIMES
    counted = Count | ActiveDays | PerDay | Sessions | Variety | Distinct | Engagement
    return "" if isinstance(aggregate, counted) else feature.unit


def gap(aggregate: Aggregate) -> str:
    """What a missing value says: most often that nothing happened."""
    if isinstance(aggregate, DaysSince | HoursToFirst):
        return "never"
    return "not known" if isinstance(aggregate, Profile | Derived | Tenure) else "nothing to go by"
