"""What a word of a rule means: a feature of the catalogue, by its own name or a marketer's.

Every data set's words are derived from its catalogue: `last_login` of `days_since_last_login`,
`signed_up` of `days_since_sign_up`, `country` of `profile_country`, and each event for
`purchase happened`. A file of segments adds or replaces words in its table `[words]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.catalogue import catalogue, slug
from features.feature import DaysSince, Feature, Profile, Tenure
from lifecycle.dataset import DataSet
from segments.faults import Fault, Unknown

SIGN_UP = ("signed_up", "sign_up")


@dataclass(frozen=True, kw_only=True)
class Words:
    """The dictionary that rules are read with.

    Attributes:
        features: name → feature.
        aliases: a marketer's word → the name of a feature.
        events: event → the name of the feature that says when it last happened.
        flags: features that are 0 or 1 for no or yes.
    """

    features: Mapping[str, Feature]
    aliases: Mapping[str, str]
    events: Mapping[str, str]
    flags: frozenset[str]

    def feature(self, word: str, span: tuple[int, int]) -> Feature:
        """What a word stands for.

        Raises:
            Unknown: nothing.
            Fault: an event alone, which is no value.
        """
        name = self.aliases.get(word, word)
        if name in self.features:
            return self.features[name]
        if word in self.aliases:
            what = f"No feature named {name!r}, which is what {word!r} stands for."
            raise Unknown(what, name, self.features, span)
        if word in self.events:
            raise Fault(
                f"{word!r} is an event and no value.",
                start=span[0],
                end=span[1],
                do=f"Say '{word} happened' or 'last_{slug(word)} within last 7 days'.",
            )
        known = (*self.features, *self.aliases)
        raise Unknown(f"No feature or word named {word!r}.", word, known, span)

    def number(self, word: str, span: tuple[int, int]) -> Feature:
        """As `feature`, of a word that has to be a number.

        Raises:
            Fault: it is a category.
        """
        feature = self.feature(word, span)
        if feature.type == "category":
            raise Fault(f"{word!r} is a category and has no order.", start=span[0], end=span[1])
        return feature

    def event(self, word: str, span: tuple[int, int]) -> Feature:
        """The feature that says when an event last happened.

        Raises:
            Unknown: no such event.
        """
        if word not in self.events:
            raise Unknown(f"No event named {word!r}.", word, self.events, span)
        return self.features[self.events[word]]


def words_of(dataset: DataSet, declared: Sequence[Mapping[str, str]] = ()) -> Words:
    """The words of a data set, and those that files declare, the later ones first."""
    features = {feature.name: feature for feature in catalogue(dataset)}
    aliases: dict[str, str] = {}
    for feature in features.values():
        aliases |= dict.fromkeys(names_for(feature), feature.name)
    for words in declared:
        aliases |= words
    return Words(
        features=features,
        aliases={word: name for word, name in aliases.items() if word not in features},
        events=event_words(dataset),
        flags=frozenset(
            feature.name
            for feature in features.values()
            if isinstance(feature.aggregate, Profile)
            and dataset.profile[feature.aggregate.column].type == "boolean"
        ),
    )


def names_for(feature: Feature) -> tuple[str, ...]:
    """The words that a feature has besides its name."""
    match feature.aggregate:
        case Tenure():
            return SIGN_UP
        case DaysSince():
            return (feature.name.removeprefix("days_since_"),)
        case Profile():
            return (feature.name.removeprefix("profile_"),)
        case _:
            return ()


def event_words(dataset: DataSet) -> dict[str, str]:
    """Each event by its own name and as part of a column's name, and the two groups of events."""
    events = dataset.vocabulary.events
    groups = {"activity": "days_since_last_activity"}
    if dataset.vocabulary.key_actions:
        groups["key_action"] = "days_since_last_key_action"
    names = {word: f"days_since_last_{slug(event)}" for event in events
             for word in (slug(event), event)}  # fmt: skip
    return groups | names


def is_time(feature: Feature) -> bool:
    """Whether the feature is a point in time, told as the days since."""
    return isinstance(feature.aggregate, DaysSince | Tenure)
