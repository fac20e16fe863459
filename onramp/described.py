"""Everything that Onramp can say of a feature, gathered from where each part of it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.catalogue import catalogue, select
from features.feature import VIEWS, Feature
from features.wording import bounds, computed, empty, window
from lifecycle.dataset import DataSet
from lifecycle.errors import UnknownName
from tasks import supported

if TYPE_CHECKING:
    from features.statistics import Statistics
    from onramp.lineage import Origin


@dataclass(frozen=True, kw_only=True)
class Described:
    """One feature, as a person wants to read of it.

    Attributes:
        definition: hash of what decides the values.
        used_by: tasks, by name.
        computed: how the value comes about, in words.
        made_of: words of the data set.
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


def chosen(dataset: DataSet, pattern: str = "*", view: str | None = None) -> tuple[Feature, ...]:
    """The features that a pattern names, of one view or of all.

    Raises:
        UnknownName: the pattern names nothing, or there is no such view.
    """
    if view is not None and view not in VIEWS:
        raise UnknownName("view", view, VIEWS)
    features = tuple(f for f in catalogue(dataset) if view in (None, f.view))
    return select((pattern,), features)


def users(dataset: DataSet) -> Mapping[str, tuple[str, ...]]:
    """Feature → the tasks that take it."""
    features = catalogue(dataset)
    taken = {
        name: {feature.name for feature in select(task.features, features)}
        for name, task in supported(dataset).items()
    }
    return {
        feature.name: tuple(task for task, names in taken.items() if feature.name in names)
        for feature in features
    }


def describe(feature: Feature, used_by: tuple[str, ...]) -> Described:
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
        used_by=used_by,
        computed=computed(feature),
        made_of=feature.needs,
    )
