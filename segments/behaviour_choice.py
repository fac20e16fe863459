"""Which features behaviour segments are made of, and in which words they are spoken of.

A rule as data: what a data set lacks is left out. Each side of behaviour counts as one, however
many features show it: four shares of content outweigh recency no more than one would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from features.feature import Feature

Scale = Literal["log", "plain"]
Missing = Literal["median", "highest", "lowest"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Features of one pattern.

    Attributes:
        pattern: as in a shell, with at most one star; `{part}` in the words is what it stands for.
        side: which side of behaviour it shows.
        scale: `log` for what is counted or summed: twice as much is one step, at any height.
        missing: what a gap says. Nobody who was never active was active lately (`highest`
            recency); who opened no session had none of any length (`lowest`); of the tastes of
            who took nothing up nothing is known (`median`).
        high, low: of customers far above and far below the others.
    """

    pattern: str
    side: str
    scale: Scale
    missing: Missing = "median"
    high: str
    low: str


CHOICES = (
    Choice(pattern="events_per_day_7d", side="activity", scale="log",
           high="very busy", low="quiet"),
    Choice(pattern="active_days_7d", side="activity", scale="plain",
           high="often active", low="rarely active"),
    Choice(pattern="sessions_7d", side="activity", scale="log",
           high="many visits", low="few visits"),
    Choice(pattern="engagement_score_7d", side="activity", scale="plain",
           high="engaged", low="hardly engaged"),
    Choice(pattern="days_since_last_activity", side="recency", scale="log", missing="highest",
           high="long away", low="here lately"),
    Choice(pattern="distinct_events_30d", side="variety", scale="log",
           high="does many things", low="does few things"),
    Choice(pattern="distinct_content_30d", side="variety", scale="log",
           high="much variety", low="little variety"),
    Choice(pattern="session_minutes_mean_30d", side="visits", scale="log", missing="lowest",
           high="long visits", low="short visits"),
    Choice(pattern="*_sum_30d", side="value", scale="log", high="high {part}", low="low {part}"),
    Choice(pattern="share_*_30d", side="content", scale="plain", high="{part}",
           low="hardly any {part}"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """One feature that was chosen, with its own words."""

    feature: Feature
    side: str
    scale: Scale
    missing: Missing
    high: str
    low: str


def choose(features: Sequence[Feature], choices: Sequence[Choice] = CHOICES) -> tuple[Chosen, ...]:
    """What of the choices the features can carry, in the order of the choices."""
    return tuple(one for choice in choices for one in carried(choice, features))


def carried(choice: Choice, features: Sequence[Feature]) -> Iterator[Chosen]:
    before, _, after = choice.pattern.partition("*")
    for feature in features:
        if feature.type == "number" and fnmatchcase(feature.name, choice.pattern):
            part = feature.name.removeprefix(before).removesuffix(after).replace("_", " ")
            yield Chosen(
                feature=feature, side=choice.side, scale=choice.scale, missing=choice.missing,
                high=choice.high.format(part=part), low=choice.low.format(part=part),
            )  # fmt: skip
