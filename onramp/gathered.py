"""Descriptions with what only the data can say: where the words come from, what was built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from features.feature import Feature
from features.statistics import QUANTILES, Statistics, statistics
from features.tables import tables
from ingestion.mapping import read_mapping
from lifecycle.home import Home
from onramp.described import Described, describe, users
from onramp.lineage import Origin, origins

SHOWN = 4
NOT_BUILT = "not yet as it is defined now: run `onramp features`"


def gathered(home: Home, features: Sequence[Feature]) -> tuple[Described, ...]:
    """Everything that is known of some features, in their order."""
    dataset = home.dataset()
    mapping = read_mapping(home.dataset_file)
    used_by = users(dataset)
    found = built(home, features)
    return tuple(
        replace(
            describe(feature, used_by[feature.name]),
            origins=origins(mapping, feature.needs),
            statistics=found.get(feature.name),
        )
        for feature in features
    )


def built(home: Home, features: Sequence[Feature]) -> Mapping[str, Statistics]:
    """Statistics of the features that are built, by name."""
    found: dict[str, Statistics] = {}
    for table in tables(home, home.dataset()):
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
        *made_of(one.origins),
        *(facts_of(one.statistics) if one.statistics else [("built", NOT_BUILT)]),
    ]
    width = max(len(name) for name, _ in facts) + 2
    told = [f"{name.ljust(width)}{text}" for name, text in facts]
    return [one.name, *(f"  {line}" for line in told)]


def made_of(found: Sequence[Origin]) -> list[tuple[str, str]]:
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
