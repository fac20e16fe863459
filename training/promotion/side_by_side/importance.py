"""What each version looks at, told of both in the same measure or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lifecycle import version_files
from training.explain import effect, explained
from training.promotion.side_by_side.recorded import Entrant
from training.promotion.side_by_side.values import Importances, Looked, Weight

RECORDED = (
    "the mean size of its TreeSHAP contributions as a share of all, as each training's report "
    "measured it on its own test rows"
)
ANEW = "the mean size of its TreeSHAP contributions as a share of all, measured now on "
SAME, OWN = "the same unseen rows", "a sample of each one's own test rows"


def importances(first: Entrant, second: Entrant, rows: pd.DataFrame | None) -> Importances:
    """Features of either version, the foremost first.

    Args:
        first: one version.
        second: the other.
        rows: that both are measured on where either report has nothing; None: those that each
            version carries.
    """
    if first.explained and second.explained:
        weights = [recorded_weights(one) for one in (first, second)]
        return side_by_side(RECORDED, (first, second), weights)
    weights = [measured_weights(one, rows) for one in (first, second)]
    return side_by_side(ANEW + (OWN if rows is None else SAME), (first, second), weights)


def recorded_weights(one: Entrant) -> dict[str, Weight]:
    """By feature; what is not in the report's table moves no answer."""
    ordered = sorted(one.explained, key=lambda row: -float(row["share"]))
    return {
        str(row["feature"]): Weight(
            share=float(row["share"]), rank=rank, effect=str(row.get("effect") or "")
        )
        for rank, row in enumerate(ordered, start=1)
    }


def measured_weights(one: Entrant, rows: pd.DataFrame | None) -> dict[str, Weight]:
    """By feature, from the served forest."""
    known = version_files.reference(one.folder) if rows is None else rows
    if known.empty:
        return {}
    found = explained(one.scorer, one.scorer.encoder.matrix(known), [], seed=0)
    return {
        one.scorer.encoder.names[place]: Weight(
            share=float(found.shares[place]), rank=rank, effect=effect(found, place) or ""
        )
        for rank, place in enumerate(found.ranked, start=1)
    }


def side_by_side(
    source: str, both: tuple[Entrant, Entrant], weights: Sequence[Mapping[str, Weight]]
) -> Importances:
    """Every feature of either version; one that has it and does not use it has a share of 0."""
    names = list(dict.fromkeys(name for one in both for name in one.scorer.encoder.names))
    rows = [
        Looked(
            feature=name,
            meaning=meaning(both, name),
            first=weight_of(name, both[0], weights[0]),
            second=weight_of(name, both[1], weights[1]),
        )
        for name in names
    ]
    return Importances(source=source, features=tuple(sorted(rows, key=foremost)))


def weight_of(name: str, one: Entrant, weights: Mapping[str, Weight]) -> Weight | None:
    if name not in one.scorer.encoder.names:
        return None
    return weights.get(name, Weight(share=0.0, rank=None, effect=""))


def meaning(both: Sequence[Entrant], name: str) -> str:
    """In words, as the newer of the two tells it; empty where neither does."""
    told: list[Mapping[str, Any]] = [one.facts.get("meanings", {}) for one in both]
    return next((str(one[name]["words"]) for one in reversed(told) if name in one), "")


def foremost(row: Looked) -> tuple[float, str]:
    shares = [weight.share for weight in (row.first, row.second) if weight is not None]
    return -max(shares, default=0.0), row.feature
