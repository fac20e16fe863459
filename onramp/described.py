"""Everything that Onramp can say of a feature, gathered from where each part of it is known."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.catalogue import catalogue, select
from features.feature import VIEWS, Derived, Feature
from features.wording import bounds, computed, empty, window
from lifecycle.dataset import DataSet
from lifecycle.errors import UnknownName
from lifecycle.home import Home
from segments.table import VIEW as SEGMENTS_VIEW
from segments.table import segment_table
from tasks import supported

if TYPE_CHECKING:
    from features.statistics import Statistics
    from onramp.lineage import Origin

SEGMENTS = "segments"


@dataclass(frozen=True, kw_only=True)
class Described:
    """One feature, as a person wants to read of it.

    Attributes:
        definition: hash of what decides the values.
        used_by: tasks by name, and `segments`, the service that hands segments out.
        computed: how the value comes about, in words.
        made_of: words of the data set; of a segment, features.
        origins: where these words are read from.
        statistics: of the built rows; None where nothing is built as the feature is defined now.
    """

    name: str
    view: str
    type: str
    window: str
    unit: str
    meaning: str
    bounds: str
    empty: str
    definition: str
    used_by: tuple[str, ...]
    computed: str
    made_of: tuple[str, ...]
    origins: tuple[Origin, ...] = ()
    statistics: Statistics | None = None


def known(home: Home) -> tuple[Feature, ...]:
    """Every feature of the home: of events and profiles, and the segments made of these.

    Raises:
        RuleError: a rule of a segment cannot be read.
    """
    return (*catalogue(home.dataset()), *segment_table(home).table.features)


def chosen(home: Home, pattern: str = "*", view: str | None = None) -> tuple[Feature, ...]:
    """The features that a pattern names, of one view or of all.

    Raises:
        UnknownName: the pattern names nothing, or there is no such view.
    """
    views = (*VIEWS, SEGMENTS_VIEW)
    if view is not None and view not in views:
        raise UnknownName("view", view, views)
    return select((pattern,), tuple(one for one in known(home) if view in (None, one.view)))


def users(dataset: DataSet, segments: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """Feature → the tasks that take it, and `segments` where these are made of it.

    Args:
        dataset: whose features.
        segments: names of the features that rules, scores and clusters read.
    """
    features = catalogue(dataset)
    taken: dict[str, Collection[str]] = {
        name: {feature.name for feature in select(task.features, features)}
        for name, task in supported(dataset).items()
    }
    taken[SEGMENTS] = segments
    return {
        feature.name: tuple(user for user, names in taken.items() if feature.name in names)
        for feature in features
    }


def users_of(home: Home) -> Mapping[str, tuple[str, ...]]:
    """As `users`, of a home with its own segments."""
    return users(home.dataset(), segment_table(home).inputs)


def made_of(feature: Feature) -> tuple[str, ...]:
    """Words of the data set; of a segment, the features that its expression names."""
    if not isinstance(feature.aggregate, Derived):
        return feature.needs
    named = (*feature.needs, *re.findall(r'"(\w+)"', feature.aggregate.expression))
    return tuple(dict.fromkeys(name for name in named if name != feature.name))


def describe(feature: Feature, used_by: Mapping[str, tuple[str, ...]]) -> Described:
    """What the definition alone says."""
    return Described(
        name=feature.name,
        view=feature.view,
        type=feature.type,
        window=window(feature),
        unit=feature.unit,
        meaning=feature.meaning,
        bounds=bounds(feature),
        empty=empty(feature),
        definition=feature.definition,
        used_by=used_by.get(feature.name, (SEGMENTS,)),
        computed=computed(feature),
        made_of=made_of(feature),
    )
