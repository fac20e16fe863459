"""Descriptions with what only the data can say: where the words come from, what was built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from features.feature import Derived, Feature
from features.statistics import QUANTILES, Statistics, statistics
from features.tables import Table, tables
from ingestion.mapping import read_mapping
from lifecycle.home import Home
from onramp.described import Described, describe, known, made_of, users_of
from onramp.lineage import Origin, origins
from segments.table import VIEW as SEGMENTS_VIEW
from segments.table import segment_table

SHOWN = 4
NOT_BUILT = "not yet as it is defined now: run `onramp features`"


def gathered(home: Home, features: Sequence[Feature]) -> tuple[Described, ...]:
    """Everything that is known of some features, in their order."""
    mapping, used_by, found = read_mapping(home.dataset_file), users_of(home), built(home, features)
    needs = {feature.name: made_of(feature) for feature in known(home)}
    return tuple(
        replace(
            describe(feature, used_by),
            origins=origins(mapping, words_of(feature, needs)),
            statistics=found.get(feature.name),
        )
        for feature in features
    )


def words_of(feature: Feature, needs: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Words of the data set, through the features that a segment is made of."""
    if not isinstance(feature.aggregate, Derived):
        return feature.needs
    words = (word for name in made_of(feature) for word in needs.get(name, ()))
    return tuple(dict.fromkeys(words))


def every_table(home: Home) -> tuple[Table, ...]:
    return (*tables(home, home.dataset()), segment_table(home).table)


def built(home: Home, features: Sequence[Feature]) -> Mapping[str, Statistics]:
    """Statistics of the features that are built, by name."""
    found: dict[str, Statistics] = {}
    for table in every_table(home):
        asked = [feature for feature in features if feature in table.features]
        found |= statistics(table, asked) if asked else {}
    return found


def lines(one: Described) -> list[str]:
    """The page of one feature, for a terminal."""
    facts = [
        ("meaning", one.meaning),
        ("computed", one.computed),
        ("type", f"{one.type}{f', in {one.unit}' if one.unit else ''}"),
        ("window", one.window),
        ("bounds", one.bounds),
        ("when empty", one.empty),
        ("view", one.view),
        ("definition", one.definition),
        ("used by", ", ".join(one.used_by) or "nobody"),
        *([("segment of", ", ".join(one.made_of))] if one.view == SEGMENTS_VIEW else []),
        *read_from(one.origins),
        *(facts_of(one.statistics) if one.statistics else [("built", NOT_BUILT)]),
    ]
    width = max(len(name) for name, _ in facts) + 2
    told = [f"{name.ljust(width)}{text}" for name, text in facts]
    return [one.name, *(f"  {line}" for line in told)]


def read_from(found: Sequence[Origin]) -> list[tuple[str, str]]:
    """The origins, the first few of many."""
    shown = found if len(found) <= SHOWN + 1 else found[:SHOWN]
    more = [("", f"and {len(found) - SHOWN} more words of the data set")]
    return [("made of", origin.line()) for origin in shown] + (more if shown != found else [])


def facts_of(found: Statistics) -> list[tuple[str, str]]:
    facts = [
        ("rows", f"{found.rows:,}"),
        ("missing", f"{found.missing:,} ({found.share_missing:.1%})"),
    ]
    if found.least is not None and found.most is not None:
        quantiles = "  ".join(
            f"{share:.0%} {value:,.6g}"
            for share, value in zip(QUANTILES, found.quantiles, strict=True)
        )
        facts += [
            ("range", f"{found.least:,.6g} … {found.most:,.6g}, mean {found.mean:,.6g}"),
            ("quantiles", quantiles),
        ]
    if found.distinct is not None:
        top = ", ".join(f"{value} {rows / found.rows:.1%}" for value, rows in found.top)
        facts += [("values", f"{found.distinct:,}: {top or 'none'}")]
    return [*facts, ("distribution", found.sparkline or "–")]
