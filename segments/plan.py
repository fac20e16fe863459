"""A file of segments, bound to what a data set can carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from features.feature import Derived, Feature
from lifecycle.dataset import DataSet
from lifecycle.home import Home
from segments.faults import Fault, Place, RuleError, UnknownWord
from segments.file import OTHERWISE, SHIPPED, Group, Limits, SegmentsFile, read_file, segments_file
from segments.rule import Rule, read_rule
from segments.words import Words, words_of

LIFECYCLE, RFM = "lifecycle_stage", "rfm_segment"


@dataclass(frozen=True, kw_only=True)
class Named:
    """One segment, stage or class.

    Attributes:
        rule: None for whoever no rule before has taken.
    """

    name: str
    label: str
    description: str
    rule: Rule | None


@dataclass(frozen=True, kw_only=True)
class RfmPlan:
    """Which features are scored: recency, frequency, monetary if there is one → feature."""

    scores: Mapping[str, Feature]
    names: tuple[Named, ...]


@dataclass(frozen=True)
class LeftOut:
    """Something that the shipped file names and this data set cannot carry."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that is computed of a customer's features at a moment."""

    file: Path
    limits: Limits
    words: Words
    segments: tuple[Named, ...]
    lifecycle: tuple[Named, ...]
    rfm: RfmPlan | None
    left_out: tuple[LeftOut, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """Features that any rule or score reads, in catalogue order."""
        read = {name for one in (*self.segments, *self.lifecycle) if one.rule
                for name in one.rule.features}  # fmt: skip
        read |= {feature.name for feature in self.rfm.scores.values()} if self.rfm else set()
        return tuple(name for name in self.words.features if name in read)


def plan_of(home: Home) -> Plan:
    """The home's segments.

    Raises:
        RuleError: a rule cannot be read, or names what the data set has not. Of the shipped
            file the latter is left out, with its reason.
    """
    return make_plan(segments_file(home), home.dataset())


def make_plan(path: Path, dataset: DataSet) -> Plan:
    """Bind one file to one data set; raises as `plan_of`."""
    file = read_file(path)
    declared = [read_file(SHIPPED).words, file.words]
    return Planner(path, words_of(dataset, declared), strict=path != SHIPPED).plan(file)


class Planner:
    """Reads every rule of a file; collects what has to be left out and what cannot be read."""

    def __init__(self, path: Path, words: Words, *, strict: bool) -> None:
        self.path, self.words, self.strict = path, words, strict
        self.left_out: list[LeftOut] = []
        self.faults: list[RuleError] = []

    def plan(self, file: SegmentsFile) -> Plan:
        segments = self.groups("segments", file.segments, self.words)
        lifecycle = self.groups("lifecycle", file.lifecycle, self.words)
        rfm = self.rfm(file)
        self.refuse_faults()
        return Plan(
            file=self.path,
            limits=file.limits,
            words=self.words,
            segments=segments,
            lifecycle=lifecycle,
            rfm=rfm,
            left_out=tuple(self.left_out),
        )

    def groups(self, table: str, groups: Mapping[str, Group], words: Words) -> tuple[Named, ...]:
        found = []
        for name, group in groups.items():
            try:
                rule = self.rule(group.rule, words, f"{table}.{name}")
            except RuleError as error:
                self.leave_out(f"{table}.{name}", error)
                continue
            label = group.label or name.replace("_", " ").capitalize()
            found.append(Named(name=name, label=label, description=group.description, rule=rule))
        return tuple(found)

    def rule(self, text: str, words: Words, owner: str) -> Rule | None:
        return None if text == OTHERWISE else read_rule(text, words, self.place(owner))

    def rfm(self, file: SegmentsFile) -> RfmPlan | None:
        if file.rfm is None:
            return None
        scores: dict[str, Feature] = {}
        for role in ("recency", "frequency", "monetary"):
            word = getattr(file.rfm, role)
            if word is None:
                continue
            try:
                scores[role] = self.scored(word, f"rfm.{role}")
            except RuleError as error:
                self.leave_out(f"rfm.{role}", error)
        if not {"recency", "frequency"} <= set(scores):
            return None
        names = self.groups("rfm.names", file.rfm.names, score_words(scores))
        return RfmPlan(scores=scores, names=names)

    def scored(self, word: str, owner: str) -> Feature:
        """The feature that is scored; it has to be a number."""
        try:
            return self.words.number(word, (0, len(word)))
        except Fault as fault:
            raise self.place(owner).error(fault, word) from fault

    def place(self, owner: str) -> Place:
        return Place(owner, str(self.path))

    def leave_out(self, name: str, error: RuleError) -> None:
        """Note what this data set cannot carry; in the user's own file that is a fault."""
        if self.strict or not isinstance(error, UnknownWord):
            self.faults.append(error)
        else:
            self.left_out.append(LeftOut(name, error.what))

    def refuse_faults(self) -> None:
        """Raise what was found: one fault as it is, several under one heading."""
        if len(self.faults) == 1:
            raise self.faults[0]
        if self.faults:
            raise RuleError(
                f"{len(self.faults)} rules in {self.path} cannot be read.",
                found="".join(f"\n  {fault}" for fault in self.faults),
            )


def score_words(scores: Mapping[str, Feature]) -> Words:
    """The words that classes of scores are told by: the scores themselves."""
    features = {
        f"rfm_{role}": Feature(
            name=f"rfm_{role}", type="number", aggregate=Derived("score"), meaning=role
        )
        for role in scores
    }
    aliases = {role: f"rfm_{role}" for role in scores}
    return Words(features=features, aliases=aliases, events={}, flags=frozenset())
